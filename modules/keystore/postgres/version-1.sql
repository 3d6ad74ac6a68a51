-- SPDX-License-Identifier: Apache-2.0
CREATE SCHEMA qvisio;
CREATE TABLE qvisio.feeder (
    link text NOT NULL,
    owner integer NOT NULL,
    until timestamp with time zone NOT NULL
);
CREATE TABLE qvisio.instance (
    id integer NOT NULL,
    started timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE qvisio.instance ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME qvisio.instance_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE qvisio.lane (
    link integer NOT NULL,
    lane integer NOT NULL,
    cursor text DEFAULT ''::text NOT NULL,
    free bigint DEFAULT 0 NOT NULL
);
CREATE TABLE qvisio.link (
    id integer NOT NULL,
    name text NOT NULL
);
ALTER TABLE qvisio.link ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME qvisio.link_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE qvisio.pool (
    id bigint NOT NULL,
    link integer NOT NULL,
    lane integer NOT NULL,
    label text NOT NULL,
    sealed bytea NOT NULL,
    imported bigint NOT NULL,
    ready bigint DEFAULT 0 NOT NULL,
    request text,
    owner integer
);
ALTER TABLE ONLY qvisio.pool ALTER COLUMN sealed SET STORAGE EXTERNAL;
ALTER TABLE qvisio.pool ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME qvisio.pool_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE qvisio.promise (
    key_id text NOT NULL,
    slave text NOT NULL,
    master text NOT NULL,
    request text NOT NULL,
    labels text NOT NULL,
    bytes integer NOT NULL,
    sealed bytea,
    expires bigint NOT NULL
)
WITH (fillfactor='60');
ALTER TABLE ONLY qvisio.promise ALTER COLUMN sealed SET STORAGE EXTERNAL;
CREATE TABLE qvisio.property (
    name text NOT NULL,
    value bytea NOT NULL
);
CREATE TABLE qvisio.request (
    id text NOT NULL,
    at bigint NOT NULL,
    undone boolean NOT NULL
);
CREATE TABLE qvisio.version (
    version integer NOT NULL
);
COPY qvisio.feeder (link, owner, until) FROM stdin;
\.
COPY qvisio.instance (id, started) FROM stdin;
1	2026-11-22 09:14:16.910856+00
\.
COPY qvisio.lane (link, lane, cursor, free) FROM stdin;
1	0	c300	3
1	1	c40	2
2	0	x7	0
\.
COPY qvisio.link (id, name) FROM stdin;
1	KME-B
2	KME-C
\.
COPY qvisio.pool (id, link, lane, label, sealed, imported, ready, request, owner) FROM stdin;
1	1	0	0:0	\\x0000	1700000000000000000	0	11111111-1111-4111-8111-111111111111	1
2	1	0	0:1	\\x0001	1700000000000000001	0	11111111-1111-4111-8111-111111111111	1
3	1	0	0:2	\\x0002	1700000000000000002	0	\N	\N
4	1	0	0:3	\\x0003	1700000000000000003	0	\N	\N
5	1	0	0:4	\\x0004	1700000000000000004	0	\N	\N
6	1	1	1:0	\\x0000	1700000000000000000	0	\N	\N
7	1	1	1:1	\\x0001	1700000000000000001	0	\N	\N
\.
COPY qvisio.promise (key_id, slave, master, request, labels, bytes, sealed, expires) FROM stdin;
aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa	12	11	22222222-2222-4222-8222-222222222222	1:9	32	\\xc0ffee	4000000000000000000
bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb	12	11	22222222-2222-4222-8222-222222222222	1:8	32	\N	4000000000000000000
\.
COPY qvisio.property (name, value) FROM stdin;
seal-check	\\x0102
\.
COPY qvisio.request (id, at, undone) FROM stdin;
22222222-2222-4222-8222-222222222222	1700000000000000000	f
33333333-3333-4333-8333-333333333333	1700000000000000000	t
\.
COPY qvisio.version (version) FROM stdin;
1
\.
SELECT pg_catalog.setval('qvisio.instance_id_seq', 1, true);
SELECT pg_catalog.setval('qvisio.link_id_seq', 2, true);
SELECT pg_catalog.setval('qvisio.pool_id_seq', 7, true);
ALTER TABLE ONLY qvisio.feeder
    ADD CONSTRAINT feeder_pkey PRIMARY KEY (link);
ALTER TABLE ONLY qvisio.instance
    ADD CONSTRAINT instance_pkey PRIMARY KEY (id);
ALTER TABLE ONLY qvisio.lane
    ADD CONSTRAINT lane_pkey PRIMARY KEY (link, lane);
ALTER TABLE ONLY qvisio.link
    ADD CONSTRAINT link_name_key UNIQUE (name);
ALTER TABLE ONLY qvisio.link
    ADD CONSTRAINT link_pkey PRIMARY KEY (id);
ALTER TABLE ONLY qvisio.pool
    ADD CONSTRAINT pool_pkey PRIMARY KEY (id);
ALTER TABLE ONLY qvisio.promise
    ADD CONSTRAINT promise_pkey PRIMARY KEY (key_id, slave);
ALTER TABLE ONLY qvisio.property
    ADD CONSTRAINT property_pkey PRIMARY KEY (name);
ALTER TABLE ONLY qvisio.request
    ADD CONSTRAINT request_pkey PRIMARY KEY (id);
CREATE INDEX pool_free ON qvisio.pool USING btree (link, lane, ready, id) WHERE (request IS NULL);
CREATE UNIQUE INDEX pool_label ON qvisio.pool USING btree (link, label);
CREATE INDEX pool_request ON qvisio.pool USING btree (request) WHERE (request IS NOT NULL);
CREATE INDEX promise_expires ON qvisio.promise USING btree (expires);
CREATE INDEX promise_request ON qvisio.promise USING btree (request);
CREATE INDEX request_at ON qvisio.request USING btree (at);
