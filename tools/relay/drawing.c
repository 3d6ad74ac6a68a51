/* SPDX-License-Identifier: Apache-2.0 */
#include "drawing.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <graphviz/gvc.h>

#define FEW_KMES 60 /* up to so many, every KME is drawn large */

static const char line_grey[] = "#9aa5b1", ink[] = "#1f2933", route_blue[] = "#1463b8", bad_red[] = "#b3261e";

struct canvas {
	const struct drawing *drawing;
	Agraph_t *graph;
	Agnode_t **nodes;
	bool small; /* many KMEs: little room for each */
	bool placed;
};

/* Graphviz wants texts that it may change. */
static void set(void *object, const char *name, const char *value)
{
	agsafeset(object, (char *)name, (char *)value, (char *)"");
}

static void set_number(void *object, const char *name, double value)
{
	char text[32];
	snprintf(text, sizeof text, "%.6g", value);
	set(object, name, text);
}

/* A label that stands for itself: in Graphviz's labels a backslash begins an escape. */
static void set_label(void *object, const char *name, const char *text)
{
	char escaped[2048];
	size_t at = 0;
	for (; *text && at + 2 < sizeof escaped; text++) {
		if (*text == '\\')
			escaped[at++] = '\\';
		escaped[at++] = *text;
	}
	escaped[at] = '\0';
	set(object, name, escaped);
}

static bool all_placed(const struct qv_topology *topology)
{
	for (uint32_t k = 0; k < qv_topology_kmes(topology); k++)
		if (!qv_topology_kme(topology, k)->placed)
			return false;
	return true;
}

static double load_of(const struct drawing *drawing, uint32_t link, int back)
{
	return drawing->load ? drawing->load[2 * (size_t)link + (size_t)back] : 0;
}

static bool on_route(const struct canvas *canvas, uint32_t kme)
{
	const struct drawing *drawing = canvas->drawing;
	struct qv_topology_arcs out = qv_topology_out(drawing->topology, kme);
	struct qv_topology_arcs in = qv_topology_in(drawing->topology, kme);
	bool used = kme == drawing->from || kme == drawing->to;
	for (size_t i = 0; i < out.count && !used; i++)
		used = load_of(drawing, out.arcs[i].link, 0) > 0 || load_of(drawing, out.arcs[i].link, 1) > 0;
	for (size_t i = 0; i < in.count && !used; i++)
		used = load_of(drawing, in.arcs[i].link, 0) > 0 || load_of(drawing, in.arcs[i].link, 1) > 0;
	return used;
}

/* In words as well as in colour, for those who do not see it and for black and white prints. */
static void describe_kme(const struct canvas *canvas, Agnode_t *node, uint32_t number, uint8_t marks)
{
	const char *const words[] = { number == canvas->drawing->from ? "origin" : NULL,
				      number == canvas->drawing->to ? "destination" : NULL,
				      marks & QV_TOPOLOGY_COMPROMISED ? canvas->small ? "!" : "compromised" : NULL,
				      marks & QV_TOPOLOGY_DOWN ? canvas->small ? "✗" : "✗ down" : NULL };
	char text[128] = "";
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (words[i])
			snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", *text ? ", " : "", words[i]);
	if (*text)
		set(node, "xlabel", text);
}

static void mark_kme(Agnode_t *node, uint8_t marks)
{
	if (!marks)
		return;
	set(node, "color", bad_red);
	set(node, "fontcolor", bad_red);
	set(node, "fillcolor", marks & QV_TOPOLOGY_DOWN ? "#f0f0f0" : "#fbe3e1");
	set(node, "penwidth", "2");
	set(node, "style", marks & QV_TOPOLOGY_DOWN ? "filled,dashed" : "filled");
	if (marks & QV_TOPOLOGY_COMPROMISED)
		set(node, "peripheries", "2");
}

static void draw_end(Agnode_t *node)
{
	set(node, "shape", "box");
	set(node, "penwidth", "2.5");
	set(node, "color", route_blue);
	set(node, "fillcolor", "#dbeafe");
}

static void place(struct canvas *canvas, Agnode_t *node, const struct qv_topology_kme *kme, const double *frame)
{
	char text[64];
	snprintf(text, sizeof text, "%.3f,%.3f!", (kme->x - frame[0]) * frame[2], (kme->y - frame[1]) * frame[2]);
	if (canvas->placed)
		set(node, "pos", text);
}

/* Where the positions begin, and the factor that spreads them over as many inches as there are KMEs to a side. */
static void find_frame(const struct qv_topology *topology, double *frame)
{
	double low[2] = { INFINITY, INFINITY }, high[2] = { -INFINITY, -INFINITY };
	uint32_t kmes = qv_topology_kmes(topology);
	for (uint32_t k = 0; k < kmes; k++) {
		const struct qv_topology_kme *kme = qv_topology_kme(topology, k);
		low[0] = fmin(low[0], kme->x), high[0] = fmax(high[0], kme->x);
		low[1] = fmin(low[1], kme->y), high[1] = fmax(high[1], kme->y);
	}
	double side = fmax(high[0] - low[0], high[1] - low[1]);
	frame[0] = low[0], frame[1] = low[1];
	frame[2] = side > 0 ? 2.8 * sqrt(kmes) / side : 1;
}

static void draw_kme(struct canvas *canvas, uint32_t number, const double *frame)
{
	const struct drawing *drawing = canvas->drawing;
	const struct qv_topology_kme *kme = qv_topology_kme(drawing->topology, number);
	char name[16];
	snprintf(name, sizeof name, "%u", number);
	Agnode_t *node = agnode(canvas->graph, name, 1);
	canvas->nodes[number] = node;
	set_label(node, "label", kme->id);
	if (drawing->load && !on_route(canvas, number)) {
		set(node, "color", line_grey);
		set(node, "fontcolor", "#52606d");
	}
	if (number == drawing->from || number == drawing->to)
		draw_end(node);
	mark_kme(node, kme->marks);
	describe_kme(canvas, node, number, kme->marks);
	place(canvas, node, kme, frame);
}

static void label_link(struct canvas *canvas, Agedge_t *edge, const struct qv_topology_link *link, double shares,
		       double back)
{
	char text[96] = "";
	if (shares > 0 && back > 0)
		snprintf(text, sizeof text, "%.6g + %.6g back", shares, back);
	else if (shares + back > 0)
		snprintf(text, sizeof text, "%.6g", shares + back);
	if (link->marks & QV_TOPOLOGY_DOWN)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s", *text ? " ✗ broken" : "✗ broken");
	if (link->marks & QV_TOPOLOGY_COMPROMISED)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s", *text ? " ! tapped" : "! tapped");
	if (*text && !(canvas->small && !link->marks && shares + back < 2))
		set_label(edge, canvas->placed ? "xlabel" : "label", text);
}

static void draw_link(struct canvas *canvas, uint32_t number)
{
	const struct qv_topology_link *link = qv_topology_link(canvas->drawing->topology, number);
	double forth = load_of(canvas->drawing, number, 0), back = load_of(canvas->drawing, number, 1);
	bool reverse = forth == 0 && back > 0 && !link->one_way;
	Agnode_t *tail = canvas->nodes[reverse ? link->to : link->from];
	Agnode_t *head = canvas->nodes[reverse ? link->from : link->to];
	char name[16];
	snprintf(name, sizeof name, "%u", number);
	Agedge_t *edge = agedge(canvas->graph, tail, head, name, 1);
	bool used = forth + back > 0;
	set(edge, "dir", forth > 0 && back > 0 ? "both" : used || link->one_way ? "forward" : "none");
	set(edge, "color", used ? route_blue : line_grey);
	set(edge, "fontcolor", used ? route_blue : line_grey);
	set_number(edge, "penwidth", used ? fmin(1.5 + log2(1 + forth + back) / 2, 6) : 1);
	if (link->marks) {
		set(edge, "color", bad_red);
		set(edge, "fontcolor", bad_red);
		set(edge, "style", link->marks & QV_TOPOLOGY_DOWN ? "dashed" : "bold");
	}
	if (!used && canvas->drawing->load)
		set(edge, "constraint", "false");
	label_link(canvas, edge, link, forth, back);
}

/* What the title says below it is only what the picture has. */
static void set_title(struct canvas *canvas)
{
	const struct qv_topology *topology = canvas->drawing->topology;
	uint8_t kmes = 0, links = 0;
	for (uint32_t k = 0; k < qv_topology_kmes(topology); k++)
		kmes |= qv_topology_kme(topology, k)->marks;
	for (uint32_t l = 0; l < qv_topology_links(topology); l++)
		links |= qv_topology_link(topology, l)->marks;
	char text[1024];
	snprintf(text, sizeof text, "%s\n%s%s%s", canvas->drawing->title ? canvas->drawing->title : "",
		 canvas->drawing->load ? "numbers: shares on each link   " : "",
		 (kmes | links) & QV_TOPOLOGY_COMPROMISED ? "double outline, !: compromised   " : "",
		 (kmes | links) & QV_TOPOLOGY_DOWN ? "dashed, ✗: broken" : "");
	set_label(canvas->graph, "label", text);
}

static void set_defaults(struct canvas *canvas)
{
	Agraph_t *graph = canvas->graph;
	const char *const graph_values[][2] = {
		{ "fontname", "DejaVu Sans" }, { "fontsize", "14" },   { "labelloc", "t" },
		{ "bgcolor", "white" },        { "overlap", "false" }, { "outputorder", "edgesfirst" },
		{ "rankdir", "LR" },           { "ranksep", "0.9" },   { "nodesep", "0.35" },
		{ "forcelabels", "true" },     { "pad", "0.3" }
	};
	const char *const node_values[][2] = { { "shape", "ellipse" },        { "style", "filled" },
					       { "fillcolor", "white" },      { "color", ink },
					       { "fontname", "DejaVu Sans" }, { "fontcolor", ink } };
	for (size_t i = 0; i < sizeof graph_values / sizeof *graph_values; i++)
		agattr(graph, AGRAPH, (char *)graph_values[i][0], (char *)graph_values[i][1]);
	for (size_t i = 0; i < sizeof node_values / sizeof *node_values; i++)
		agattr(graph, AGNODE, (char *)node_values[i][0], (char *)node_values[i][1]);
	agattr(graph, AGNODE, (char *)"fontsize", (char *)(canvas->small ? "10" : "13"));
	agattr(graph, AGNODE, (char *)"margin", (char *)(canvas->small ? "0.04,0.02" : "0.11,0.055"));
	agattr(graph, AGNODE, (char *)"width", (char *)(canvas->small ? "0.35" : "0.6"));
	agattr(graph, AGNODE, (char *)"height", (char *)(canvas->small ? "0.25" : "0.45"));
	agattr(graph, AGEDGE, (char *)"fontname", (char *)"DejaVu Sans");
	agattr(graph, AGEDGE, (char *)"fontsize", (char *)(canvas->small ? "8" : "11"));
	agattr(graph, AGEDGE, (char *)"arrowsize", (char *)(canvas->small ? "0.5" : "0.8"));
	set_title(canvas);
}

static int fill(struct canvas *canvas, struct qv_error *err)
{
	const struct qv_topology *topology = canvas->drawing->topology;
	uint32_t kmes = qv_topology_kmes(topology);
	double frame[3] = { 0, 0, 1 };
	canvas->nodes = calloc(kmes + (size_t)1, sizeof *canvas->nodes);
	if (!canvas->nodes)
		return qv_fail(err, QV_E_NOMEM, "no memory to draw %u KMEs", kmes);
	canvas->small = kmes > FEW_KMES;
	canvas->placed = all_placed(topology);
	if (canvas->placed)
		find_frame(topology, frame);
	set_defaults(canvas);
	for (uint32_t k = 0; k < kmes; k++)
		draw_kme(canvas, k, frame);
	for (uint32_t l = 0; l < qv_topology_links(topology); l++)
		draw_link(canvas, l);
	return 0;
}

/* Layers suit routes, springs suit a mere network; many KMEs want the springs that scale. */
static const char *layout_of(const struct canvas *canvas)
{
	if (canvas->placed)
		return "neato";
	if (canvas->drawing->load && !canvas->small)
		return "dot";
	return canvas->small ? "sfdp" : "neato";
}

static int save(const char *path, const char *data, size_t size, struct qv_error *err)
{
	FILE *file = fopen(path, "wbe");
	if (!file)
		return qv_fail(err, QV_E_IO, "%s cannot be written: %s", path, strerror(errno));
	bool written = fwrite(data, 1, size, file) == size;
	if (fclose(file) != 0 || !written)
		return qv_fail(err, QV_E_IO, "%s is not written whole: %s", path, strerror(errno));
	return 0;
}

static int render(GVC_t *context, const struct canvas *canvas, const char *path, struct qv_error *err)
{
	char *data = NULL;
	unsigned size = 0;
	const char *layout = layout_of(canvas), *format = drawing_format(path);
	if (gvLayout(context, canvas->graph, layout) != 0)
		return qv_fail(err, QV_E_UNSUPPORTED, "Graphviz cannot lay out the network with \"%s\": %s", layout,
			       aglasterr() ? aglasterr() : "no reason given");
	int result = gvRenderData(context, canvas->graph, format, &data, &size);
	if (result != 0 || !data)
		result = qv_fail(err, QV_E_UNSUPPORTED, "Graphviz cannot draw as %s: %s", format,
				 aglasterr() ? aglasterr() : "no reason given");
	else
		result = save(path, data, size, err);
	gvFreeRenderData(data);
	gvFreeLayout(context, canvas->graph);
	return result;
}

const char *drawing_format(const char *path)
{
	const char *ending = strrchr(path, '.');
	if (ending && strcasecmp(ending, ".svg") == 0)
		return "svg";
	return ending && strcasecmp(ending, ".png") == 0 ? "png" : NULL;
}

int drawing_write(const struct drawing *drawing, const char *path, struct qv_error *err)
{
	struct canvas canvas = { .drawing = drawing };
	GVC_t *context = gvContext();
	if (!context)
		return qv_fail(err, QV_E_UNSUPPORTED, "Graphviz does not start");
	agseterr(AGMAX);
	canvas.graph = agopen((char *)"network", Agdirected, NULL);
	int result = canvas.graph ? fill(&canvas, err) : qv_fail(err, QV_E_NOMEM, "no memory for a drawing");
	if (result == 0)
		result = render(context, &canvas, path, err);
	free(canvas.nodes);
	if (canvas.graph)
		agclose(canvas.graph);
	gvFreeContext(context);
	return result;
}
