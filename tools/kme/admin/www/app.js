// SPDX-License-Identifier: Apache-2.0
// Brings the sections of the page to life. A section exports any of
//   start(kme)          /api/kme, again after each reconnection
//   state(state)        /api/state, each second
//   key(event, number)  an event of a key
//   connected(yes)
import * as events from "./events.js";
import * as figures from "./figures.js";
import * as links from "./links.js";
import * as relay from "./relay.js";
import * as saes from "./saes.js";
import * as status from "./status.js";
import { getJson } from "./dom.js";

const sections = [status, figures, links, relay, saes, events];

function tell(what, ...values) {
	for (const section of sections)
		section[what]?.(...values);
}

async function begin() {
	tell("start", await getJson("/api/kme"));
	tell("connected", true);
}

const stream = new EventSource("/api/events");
stream.addEventListener("open", () => begin().catch(() => tell("connected", false)));
stream.addEventListener("state", (message) => tell("state", JSON.parse(message.data)));
stream.addEventListener("key", (message) => tell("key", JSON.parse(message.data), Number(message.lastEventId)));
stream.addEventListener("missed", (message) => tell("missed", Number(message.data)));
stream.addEventListener("error", () => {
	tell("connected", false);
	// A refused stream is not tried again by itself: no session any more, or too many pages.
	if (stream.readyState === EventSource.CLOSED)
		setTimeout(() => getJson("/api/state").finally(() => location.reload()), 5000);
});
