// SPDX-License-Identifier: Apache-2.0
// The applications that this KME gives keys to, and those at other KMEs that they share keys with.
import { byId, element } from "./dom.js";

function row(sae) {
	const known = sae.local
		? [element("span", { class: "soft" }, `${sae.known_by} `), sae.known_as]
		: [element("span", { class: "soft" }, "its own KME")];
	return element("tr", {},
		element("th", { scope: "row" }, sae.id),
		element("td", {}, sae.local ? "this KME" : sae.kme),
		element("td", {}, ...known));
}

export function start(kme) {
	const local = kme.saes.filter((sae) => sae.local);
	const remote = kme.saes.filter((sae) => !sae.local);
	byId("saes").replaceChildren(...[...local, ...remote].map(row));
}
