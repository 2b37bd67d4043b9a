# ruff: noqa: E501 - path data is not read by people
"""The icons of the pages: stroke paths on a 24 by 24 grid."""

ICONS = {
    "live": '<rect x="3" y="4" width="18" height="13" rx="2"/><path d="M8 21h8M10 8.2v4.6l4-2.3z"/>',
    "events": '<path d="M5 5h14M5 12h14M5 19h9"/><circle cx="19" cy="19" r="1.6"/>',
    "duties": '<path d="M10 5h10M10 12h10M10 19h10"/><path d="m3.5 5 1.4 1.4L7.6 3.7M3.5 12l1.4 1.4 2.7-2.7M3.5 19l1.4 1.4 '
    '2.7-2.7"/>',
    "readings": '<path d="M4 8V5a1 1 0 0 1 1-1h3M16 4h3a1 1 0 0 1 1 1v3M20 16v3a1 1 0 0 1-1 1h-3M8 20H5a1 1 0 0 '
    '1-1-1v-3M8 9h8M12 9v7"/>',
    "cameras": '<path d="M3 9.5 15.5 5l2.4 6.6-12.5 4.5zM9 14.8 10.5 20H6M17 8.6l3 .2"/>',
    "models": '<path d="m12 3 8 4.5v9L12 21l-8-4.5v-9zM4 7.5l8 4.5 8-4.5M12 12v9"/>',
    "compare": '<path d="M4 20V10M9 20V4M15 20v-7M20 20V7"/>',
    "rollouts": '<path d="M4 19h4v-4h4v-4h4V7h4"/><path d="m16.5 3.5 3.5 3.5-3.5 3.5"/>',
    "record": '<path d="M9 12.5 11.2 15 15.5 9.5"/><path d="M12 3l7 2.6v5.7c0 4.4-2.9 7.7-7 9.7-4.1-2-7-5.3-7-9.7V5.6z"/>',
    "consents": '<path d="M6 3h8l4 4v14H6zM14 3v4h4M9 14l2.2 2.2L15.5 12"/>',
    "cases": '<path d="M4 6h16v14H4zM9 6V4h6v2M8 12h5M8 16h8"/><circle cx="16.5" cy="11.5" r="1.6"/>',
    "evidence": '<path d="M4 8h16v12H4zM4 8l2.5-4h11L20 8M12 4v4M9 14l2.2 2.2L15.5 12"/>',
    "retention": '<circle cx="12" cy="12" r="8.5"/><path d="M12 7v5l3.4 2M4 4l2.4 2.4M20 4l-2.4 2.4"/>',
    "people": '<circle cx="9" cy="8" r="3.4"/><path d="M2.8 20c.6-3.7 3-5.7 6.2-5.7s5.6 2 6.2 5.7M16 4.9a3.4 3.4 0 0 1 0 '
    '6.2M18 14.8c1.8.8 2.9 2.6 3.2 5.2"/>',
    "health": '<path d="M3 12.5h4l2.4-7 4.6 13 2.6-6H21"/>',
    "integrate": '<path d="m8 7-5 5 5 5M16 7l5 5-5 5M13.5 4.5l-3 15"/>',
    "admin": '<circle cx="12" cy="12" r="3"/><path d="M12 3v3M12 18v3M3 12h3M18 12h3M5.6 5.6l2.1 2.1M16.3 16.3l2.1 '
    '2.1M18.4 5.6l-2.1 2.1M7.7 16.3l-2.1 2.1"/>',
    "more": '<path d="M4 7h16M4 12h16M4 17h16"/>',
    "account": '<circle cx="12" cy="8.5" r="3.6"/><path d="M5 20c.8-4 3.5-6 7-6s6.2 2 7 6"/>',
    "language": '<circle cx="12" cy="12" r="9"/><path d="M3 12h18M12 3c5 5.5 5 12.5 0 18-5-5.5-5-12.5 0-18z"/>',
    "purpose": '<circle cx="12" cy="12" r="8.5"/><circle cx="12" cy="12" r="4.5"/><circle cx="12" cy="12" r=".8"/>',
    "sun": '<circle cx="12" cy="12" r="4"/><path d="M12 2.5v2.2M12 19.3v2.2M2.5 12h2.2M19.3 12h2.2M5.3 5.3l1.5 1.5M17.2 '
    '17.2l1.5 1.5M18.7 5.3l-1.5 1.5M6.8 17.2l-1.5 1.5"/>',
    "ok": '<circle cx="12" cy="12" r="9"/><path d="m8 12.4 2.8 2.8L16.2 9"/>',
    "failed": '<circle cx="12" cy="12" r="9"/><path d="m9 9 6 6M15 9l-6 6"/>',
    "waiting": '<circle cx="12" cy="12" r="9" stroke-dasharray="3 3.2"/>',
    "running": '<path d="M12 3a9 9 0 1 1-9 9"/>',
    "info": '<circle cx="12" cy="12" r="9"/><path d="M12 11v5.5M12 7.6v.2"/>',
    "warning": '<path d="M12 4 2.8 20h18.4zM12 10v4.5M12 17.2v.2"/>',
    "full": '<path d="M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5"/>',
    "keyboard": '<rect x="2.5" y="6" width="19" height="12" rx="2"/><path d="M6 10h.1M10 10h.1M14 10h.1M18 10h.1M8 14h8"/>',
    "plus": '<path d="M12 5v14M5 12h14"/>',
    "flag": '<path d="M6 21V4.5M6 5c4-2.5 7 2.5 12 0v8c-5 2.5-8-2.5-12 0"/>',
    "confirm": '<path d="m5 12.6 4.6 4.6L19 7.4"/>',
    "dismiss": '<path d="m6 6 12 12M18 6 6 18"/>',
    "trash": '<path d="M4 7h16M9 7V4h6v3M6.5 7l1 13h9l1-13"/>',
    "older": '<path d="m10 6-6 6 6 6M4 12h16"/>',
    "newer": '<path d="m14 6 6 6-6 6M20 12H4"/>',
    "key": '<circle cx="8" cy="15" r="4.2"/><path d="m11 12 8.5-8.5M16 7l3 3"/>',
    "upload": '<path d="M12 16V5M7.5 9.2 12 4.7l4.5 4.5M5 15v4h14v-4"/>',
    "redact": '<rect x="3" y="5" width="18" height="14" rx="2"/><path d="M8 9h4v3H8zM12 12h4v3h-4z"/>',
    "picture": '<rect x="3" y="5" width="18" height="14" rx="2"/><path d="m3 16 5-4.5 4 3.5 3.5-3L21 16"/>',
}

BRAND = (
    '<svg viewBox="0 0 32 32" aria-hidden="true"><path d="M2 16C6.2 8.7 10.8 5.5 16 5.5S25.8 8.7 30 16c-4.2 7.3-8.8 '
    '10.5-14 10.5S6.2 23.3 2 16z" fill="none" stroke="currentColor" stroke-width="2.4" stroke-linejoin="round"/>'
    '<g fill="currentColor"><rect x="11" y="11" width="4.7" height="4.7" rx=".6"/><rect x="16.3" y="11" '
    'width="4.7" height="4.7" rx=".6" opacity=".45"/><rect x="11" y="16.3" width="4.7" height="4.7" rx=".6" '
    'opacity=".6"/><rect x="16.3" y="16.3" width="4.7" height="4.7" rx=".6" opacity=".85"/></g></svg>'
)
