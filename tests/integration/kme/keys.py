# SPDX-License-Identifier: Apache-2.0
"""Two KMEs hand the same keys to two SAEs, once."""

import base64
import uuid

import qvkme
import qvtest

test = qvtest.Test(__file__)

NOT_FOUND = "one or more keys specified are not found on KME"


@test.case("both ends get the same keys under random UUIDs")
def _(tmp):
    pair = qvkme.KmePair(test, tmp)
    taken, claimed = pair.share(3)
    assert taken == claimed, (taken, claimed)
    assert len({k["key"] for k in taken}) == 3 and len({k["key_ID"] for k in taken}) == 3
    for key in taken:
        assert uuid.UUID(key["key_ID"]).version == 4
        assert len(base64.b64decode(key["key"], validate=True)) == 32
    # And the other way round.
    status, body, _ = pair.b.call("12", "GET", "/api/v1/keys/11/enc_keys")
    assert status == 200
    again = pair.a.call("11", "GET", f"/api/v1/keys/12/dec_keys?key_ID={body['keys'][0]['key_ID']}")
    assert again[1] == body and body["keys"][0]["key"] not in {k["key"] for k in taken}


test.run()
