-- SPDX-License-Identifier: Apache-2.0
-- A key store as the first version of this module left it.
PRAGMA journal_mode = WAL;
BEGIN;
CREATE TABLE property (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE link (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE lane (link INTEGER NOT NULL, lane INTEGER NOT NULL, cursor TEXT NOT NULL, free INTEGER NOT NULL, PRIMARY KEY (link, lane)) WITHOUT ROWID;
CREATE TABLE pool (id INTEGER PRIMARY KEY, link INTEGER NOT NULL, lane INTEGER NOT NULL, label TEXT NOT NULL, sealed BLOB NOT NULL, imported INTEGER NOT NULL, ready INTEGER NOT NULL, request TEXT);
CREATE UNIQUE INDEX pool_label ON pool (link, label);
CREATE INDEX pool_free ON pool (link, lane, ready) WHERE request IS NULL;
CREATE INDEX pool_request ON pool (request) WHERE request IS NOT NULL;
CREATE TABLE request (id TEXT PRIMARY KEY, at INTEGER NOT NULL, undone INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX request_at ON request (at);
CREATE TABLE promise (key_id TEXT NOT NULL, slave TEXT NOT NULL, master TEXT NOT NULL, request TEXT NOT NULL, labels TEXT NOT NULL, bytes INTEGER NOT NULL, sealed BLOB, expires INTEGER NOT NULL, PRIMARY KEY (key_id, slave)) WITHOUT ROWID;
CREATE INDEX promise_request ON promise (request);
CREATE INDEX promise_expires ON promise (expires);
PRAGMA user_version = 1;
INSERT INTO property VALUES ('seal-check', x'0102');
INSERT INTO link VALUES (1, 'KME-B'), (2, 'KME-C');
INSERT INTO lane VALUES (1, 0, 'c300', 3), (1, 1, 'c40', 2), (2, 0, 'x7', 0);
INSERT INTO pool VALUES
 (1, 1, 0, '0:0', x'0000', 1700000000000000000, 0, '11111111-1111-4111-8111-111111111111'),
 (2, 1, 0, '0:1', x'0001', 1700000000000000000, 0, '11111111-1111-4111-8111-111111111111'),
 (3, 1, 0, '0:2', x'0002', 1700000000000000000, 0, NULL), (4, 1, 0, '0:3', x'0003', 1700000000000000000, 0, NULL),
 (5, 1, 0, '0:4', x'0004', 1700000000000000000, 0, NULL), (6, 1, 1, '1:0', x'0005', 1700000000000000000, 0, NULL),
 (7, 1, 1, '1:1', x'0006', 1700000000000000000, 0, NULL);
INSERT INTO request VALUES ('22222222-2222-4222-8222-222222222222', 1700000000000000000, 0);
INSERT INTO promise VALUES
 ('aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa', '12', '11', '22222222-2222-4222-8222-222222222222', '1:9', 32, x'c0ffee',
  4000000000000000000),
 ('bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb', '12', '11', '22222222-2222-4222-8222-222222222222', '1:8', 32, NULL,
  4000000000000000000);
COMMIT;
