// SPDX-License-Identifier: Apache-2.0
// The head of the page: which KME this is, how it is, and what it needs.
import { byId, duration, element, number, setPill, setText } from "./dom.js";

const words = { store: "Key store", peer: "Peer", stock: "Stock", audit: "Audit log" };
let kme = null;

export function start(about) {
	kme = about;
	setText(byId("kme-id"), kme.kme_id);
	document.title = `${kme.kme_id} – Key Management Entity`;
	setText(byId("version"), kme.version);
	byId("logout-part").hidden = !kme.token;
}

export function connected(yes) {
	if (!yes)
		setPill(byId("status"), "waiting", "No connection");
}

function causeText(cause) {
	return `${words[cause.what] ?? cause.what}${cause.peer ? ` ${cause.peer}` : ""}: ${cause.why}`;
}

function showCauses(causes) {
	const list = byId("trouble-list");
	const texts = causes.map(causeText);
	byId("trouble").hidden = texts.length === 0;
	if (list.dataset.texts === texts.join("\n"))
		return;
	list.dataset.texts = texts.join("\n");
	list.replaceChildren(...texts.map((text) => element("li", {}, text)));
}

function auditText(audit) {
	if (!audit)
		return "No audit log is kept";
	return `Audit log: line ${number(audit.sequence)}, ${audit.hash.slice(0, 16)}…, ` +
		(audit.working ? "being written" : "cannot be written");
}

export function state(now) {
	const well = now.status === "ok";
	setPill(byId("status"), well ? "good" : "bad", well ? "Working" : "Needs attention");
	showCauses(now.causes);
	setText(byId("audit"), auditText(now.audit));
	if (kme)
		setText(byId("kme-about"), `up for ${duration((now.time - kme.started) / 1000)}`);
}

byId("logout").addEventListener("click", async () => {
	await fetch("/api/logout", { method: "POST" });
	location.assign("/login");
});
