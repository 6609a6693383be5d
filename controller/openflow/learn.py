"""The learn action with a limit (NXAST_LEARN2), which os-ken lacks: everything but its fixed part is os-ken's.

The layout is that of ``struct nx_action_learn2`` in Open vSwitch's lib/ofp-actions.c (2.8 to 3.1).
"""

import struct
from typing import Any

from os_ken.ofproto import ofproto_v1_4 as ofp
from os_ken.ofproto import ofproto_v1_4_parser as parser

from controller.openflow.fields import header
from flows.openflow.fields import Field
from flows.openflow.learn import Learn, LearnLoad, LearnMatch, LearnOutput, Spec

_LEARN2 = 45
_DELETE_LEARNED, _WRITE_RESULT = 1 << 1, 1 << 2
_HEADER = 10
"""Bytes of an experimenter action before what follows its subtype."""
# idle and hard timeout, priority, cookie, flags, table, padding, timeouts after FIN, limit, result's first bit, padding
_FIXED = "!HHHQHBxHHIHxx"


def encode_learn(learn: Learn) -> Any:
    """The action."""
    flags = (_DELETE_LEARNED if learn.full is None else 0) | (_WRITE_RESULT if learn.result else 0)
    how = (0, learn.hard_timeout, learn.priority, learn.cookie, flags, learn.table)
    body = bytearray(struct.pack(_FIXED, *how, 0, 0, learn.limit, learn.result.first if learn.result else 0))
    if learn.result is not None:
        ofp.oxm_serialize_header(ofp.oxm_from_user_header(header(learn.result.field)), body, len(body))
    for spec in learn.specs:
        body += _spec(spec).serialize()
    body += bytes(-(_HEADER + len(body)) % 8)
    return parser.NXActionUnknown(_LEARN2, data=body)


def _spec(spec: Spec) -> Any:
    match spec:
        case LearnMatch(field, source):
            return parser.NXFlowSpecMatch(src=_from(source), dst=_from(field), n_bits=field.bits)
        case LearnLoad(Field() as source, field):
            return parser.NXFlowSpecLoad(src=_from(source), dst=_from(field), n_bits=field.bits)
        case LearnLoad(value, field):
            return parser.NXFlowSpecLoad(src=value, dst=_from(field), n_bits=field.bits)
        case LearnOutput(source):
            return parser.NXFlowSpecOutput(src=_from(source), dst="", n_bits=source.bits)


def _from(field: Field) -> tuple[str, int]:
    """A field from its lowest bit on, by os-ken's name for what Open vSwitch calls NXM."""
    return header(field), 0
