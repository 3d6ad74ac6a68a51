// SPDX-License-Identifier: Apache-2.0
// Totals since the start, with rates over the last seconds.
import { byId, element, number, setText } from "./dom.js";

const WINDOW = 10;
const figures = [
	{ name: "Keys to masters", unit: "per second", total: (t) => t.delivered_master },
	{ name: "Keys to slaves", unit: "per second", total: (t) => t.delivered_slave },
	{ name: "Requests", unit: "per second", total: (t) => t.requests },
	{ name: "Refused", unit: "per second", total: (t) => t.refused },
	{ name: "Expired", note: "not fetched in time", total: (t) => t.expired },
	{ name: "Undone", note: "taken back unused", total: (t) => t.undone },
];
const past = [];

for (const figure of figures) {
	figure.value = element("dd", {}, "–");
	figure.about = element("dd", { class: "note" }, figure.note ?? "\u00a0");
	byId("figures").append(element("div", { class: "figure" }, element("dt", {}, figure.name), figure.value, figure.about));
}

function rateText(figure, now) {
	const seconds = (now.time - past[0].time) / 1000;
	if (seconds < 1)
		return "\u00a0";
	const rate = (figure.total(now.totals) - figure.total(past[0].totals)) / seconds;
	return `${rate >= 10 || rate === 0 ? number(Math.round(rate)) : rate.toFixed(1)} ${figure.unit}`;
}

export function state(now) {
	// Totals that fall are those of a new process.
	if (past.length && past.at(-1).totals.requests > now.totals.requests)
		past.length = 0;
	past.push(now);
	while (past.length > 1 && now.time - past[0].time > WINDOW * 1000)
		past.shift();
	for (const figure of figures) {
		setText(figure.value, number(figure.total(now.totals)));
		if (figure.unit)
			setText(figure.about, rateText(figure, now));
	}
}
