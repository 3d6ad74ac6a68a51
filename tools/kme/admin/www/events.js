// SPDX-License-Identifier: Apache-2.0
// What happens to keys, as it happens: newest first.
import { byId, clock, element, plural } from "./dom.js";

const MAX = 200;
const list = byId("events");
const pause = byId("pause");
const held = [];
let newest = 0;

function what(event) {
	if (event.event === "delivered")
		return `${plural(event.count, "key")} to ${event.to} ${event[event.to] ?? "unknown"}`;
	if (event.event === "refused")
		return event.count ? `Request for ${plural(event.count, "key")}` : "Request";
	return plural(event.count || 1, "key");
}

function between(event) {
	const parts = [];
	if (event.master || event.slave)
		parts.push(`master ${event.master ?? "unknown"}, slave ${event.slave ?? "unknown"}`);
	if (event.peer)
		parts.push(`with ${event.peer}`);
	if (event.status)
		parts.push(`status ${event.status}`);
	return parts.join(" · ");
}

function keyText(event) {
	return event.count > 1 ? `${event.key_ID} and ${event.count - 1} more` : event.key_ID;
}

function row(event) {
	const text = element("div", { class: "what" }, what(event));
	for (const [value, style] of [[between(event)], [event.cause], [event.key_ID ? keyText(event) : "", " mono"]])
		if (value)
			text.append(element("span", { class: `more${style ?? ""}` }, value));
	return element("li", { "data-kind": event.event, class: "new" },
		element("time", { datetime: new Date(event.time).toISOString() }, clock(event.time)),
		element("span", { class: "badge" }, event.event), text);
}

function show(node) {
	byId("no-events").hidden = true;
	list.prepend(node);
	while (list.children.length > MAX)
		list.lastElementChild.remove();
}

function add(node) {
	if (pause.getAttribute("aria-pressed") !== "true") {
		show(node);
		return;
	}
	held.push(node);
	if (held.length > MAX)
		held.shift();
	pause.textContent = `Go on (${held.length})`;
}

export function start() {
	// After a restart of the KME its events count from 1 again.
	newest = 0;
}

export function key(event, at) {
	if (at && at <= newest)
		return;
	newest = at;
	add(row(event));
}

export function missed(count) {
	add(element("li", { "data-kind": "missed" }, element("time", {}, clock(Date.now())),
		element("span", { class: "badge" }, "missed"),
		element("div", { class: "what" }, `${plural(count, "event")} came too fast to be shown`)));
}

pause.addEventListener("click", () => {
	const paused = pause.getAttribute("aria-pressed") !== "true";
	pause.setAttribute("aria-pressed", String(paused));
	pause.textContent = paused ? "Go on" : "Pause";
	if (!paused)
		held.splice(0).forEach(show);
});

byId("event-filter").addEventListener("change", (change) => {
	list.dataset.filter = change.target.value;
});
