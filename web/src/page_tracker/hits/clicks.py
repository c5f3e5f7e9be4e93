"""What a click on an advertisement leaves in the address of the landing page. Pure."""

from __future__ import annotations

# Query parameters that a click on an advertisement adds → the network that they belong
# to, and other sources that show the network's advertisements.
_GOOGLE = (
    "Google",
    "Google Ads",
    "YouTube",
    "Gmail",
    "Google Maps",
    "Ask",
    "Startpage",
)
_MICROSOFT = ("Bing", "Yahoo!", "DuckDuckGo", "Ecosia", "AOL", "Qwant", "MSN", "Lilo")
CLICKS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("gclid", "gbraid", "wbraid", "gad_source", "gad_campaignid"), _GOOGLE
    ),
    "msclkid": (*_MICROSOFT, "Outlook.com"),
    "ttclid": ("TikTok",),
    "twclid": ("Twitter",),
    "li_fat_id": ("LinkedIn",),
    "rdt_cid": ("Reddit",),
    "sccid": ("Snapchat",),
    "yclid": ("Yandex", "Yandex Direct"),
}
# Facebook adds it to every link, paid or not; Instagram, Threads and Messenger too.
SHARED = {"fbclid": "Facebook", "igshid": "Instagram", "igsh": "Instagram"}
# All query parameters that clicks add, in lower case.
CLICK_TAGS = (*CLICKS, *SHARED)
