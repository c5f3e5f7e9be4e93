"""What a click on an advertisement leaves in the address that it leads to. Pure."""

from __future__ import annotations

# What an advertiser's page is asked with after a click on an advertisement → whose that
# is, and which other sources show that network's advertisements.
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
# Facebook marks every link so, paid or not; Instagram, Threads and Messenger too.
SHARED = {"fbclid": "Facebook", "igshid": "Instagram", "igsh": "Instagram"}
# All that an address is asked with after a click, in small letters.
CLICK_TAGS = (*CLICKS, *SHARED)
