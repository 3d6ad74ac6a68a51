// SPDX-License-Identifier: Apache-2.0
// Keys that are relayed: the network as this KME knows it, its routes, sessions, and what links spend.
import { byId, element, getJson, number, plural, svg } from "./dom.js";

const WIDTH = 720, ROW = 64, MARGIN = 36;
let shown = false, asking = false, chosen = null;

// KMEs in columns by their hops from this one, unless the topology says where they are.
function places(relay) {
	if (relay.kmes.every((kme) => kme.at)) {
		const xs = relay.kmes.map((kme) => kme.at[0]), ys = relay.kmes.map((kme) => kme.at[1]);
		const scale = (value, all, size) => MARGIN + (value - Math.min(...all)) / (Math.max(...all) - Math.min(...all) || 1) * (size - 2 * MARGIN);
		return { height: 420, at: relay.kmes.map((kme) => [scale(kme.at[0], xs, WIDTH), 420 - scale(kme.at[1], ys, 420)]) };
	}
	const hops = relay.kmes.map(() => null), queue = [relay.self];
	hops[relay.self] = 0;
	for (const kme of queue)
		for (const link of relay.links)
			for (const [from, to] of [[link.from, link.to], [link.to, link.from]])
				if (from === kme && hops[to] === null) {
					hops[to] = hops[kme] + 1;
					queue.push(to);
				}
	const last = Math.max(...hops.map((hop) => hop ?? 0)) + (hops.includes(null) ? 1 : 0);
	const columns = Array.from({ length: last + 1 }, () => []);
	hops.forEach((hop, kme) => columns[hop ?? last].push(kme));
	const height = Math.max(...columns.map((column) => column.length)) * ROW + MARGIN;
	const at = [];
	columns.forEach((column, x) => column.forEach((kme, y) => {
		at[kme] = [MARGIN + x * (WIDTH - 2 * MARGIN) / Math.max(1, last), height * (y + 1) / (column.length + 1)];
	}));
	return { height, at };
}

function draw(relay, route) {
	const { height, at } = places(relay);
	const lines = relay.links.map((link, index) => {
		const used = route?.load?.[index] > 0;
		const kind = link.down ? "link-down" : used ? "link-used" : "link-idle";
		return svg("line", { x1: at[link.from][0], y1: at[link.from][1], x2: at[link.to][0], y2: at[link.to][1], class: kind });
	});
	const nodes = relay.kmes.map((kme, index) => svg("g", { class: index === relay.self ? "node self" : kme.down ? "node down" : "node" },
		svg("circle", { cx: at[index][0], cy: at[index][1], r: 15 }),
		svg("text", { x: at[index][0], y: at[index][1] + 30, "text-anchor": "middle" }, kme.id)));
	const label = `${plural(relay.kmes.length, "KME")}, ${plural(relay.links.length, "link")}` + (route ? `; links used on the way to ${route.to} stand out` : "");
	return svg("svg", { viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": label, class: "network" }, ...lines, ...nodes);
}

function routeRow(route) {
	const pick = element("button", { type: "button", class: "plain", "aria-pressed": String(route.to === chosen) }, route.to);
	pick.addEventListener("click", () => {
		chosen = route.to;
		refresh();
	});
	return element("tr", {}, element("th", { scope: "row" }, pick),
		element("td", {}, route.why ? "–" : number(route.keys)), element("td", {}, route.why ?? route.about));
}

const spentRow = (link) => element("tr", {}, element("th", { scope: "row" }, link.peer), element("td", {}, number(link.shares)),
	element("td", {}, number(link.link_keys)), element("td", {}, number(link.waiting)));

const sessionRow = (session) => element("tr", {}, element("th", { scope: "row" }, session.session.slice(0, 8)),
	element("td", {}, session.role), element("td", {}, `${session.from} → ${session.to}`), element("td", {}, number(session.bytes)));

function show(relay) {
	const route = relay.routes.find((one) => one.to === chosen) ?? relay.routes[0];
	chosen = route?.to ?? null;
	byId("network").replaceChildren(relay.kmes ? draw(relay, route)
		: element("p", { class: "empty" }, `${number(relay.size)} KMEs: too many to draw here. qkd-relay plot draws them.`));
	byId("relay-about").textContent = `Module ${relay.module} · ${plural(relay.delivered, "session")} delivered · ` +
		`${plural(relay.altered, "altered share")} · ${plural(relay.lost, "lost share")} · ${plural(relay.refused, "refused share")}`;
	byId("routes").replaceChildren(...relay.routes.map(routeRow));
	byId("spent").replaceChildren(...relay.spent.map(spentRow));
	byId("sessions").replaceChildren(...relay.sessions.slice(0, 20).map(sessionRow));
	byId("session-count").textContent = plural(relay.session_count, "session");
}

async function refresh() {
	if (!shown || asking)
		return;
	asking = true;
	try {
		show(await getJson("/api/relay"));
	} finally {
		asking = false;
	}
}

export function start(kme) {
	shown = Boolean(kme.relays);
	byId("relay").hidden = !shown;
	refresh().catch(() => {});
}

export function state() {
	if (!document.hidden)
		refresh().catch(() => {});
}
