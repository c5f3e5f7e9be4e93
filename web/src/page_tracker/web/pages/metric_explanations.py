"""What each figure counts: the words of docs/reference/metrics.md, held by a test."""

COUNTED = {
    "A hit": (
        "A page view, an event with a name of your own, or an engagement (how long "
        "and how far a page was read). What does not count as a hit, and why, is on "
        "the page about [how hits are sent](collecting.md#what-does-not-count)."
    ),
    "A visit": (
        "The hits of one visitor that are less than 30 minutes apart: half an hour of "
        "silence ends a visit, and a hit after that begins another. An engagement "
        "keeps it open, even for a page that is read for an hour. Where the visitor "
        "came from is taken from the first hit, for the whole visit: coming back by "
        "another link within the half hour is not another visit."
    ),
    "A visitor": (
        "Visitors are told apart by address and browser, within one day of the site, "
        "by a hash whose salt is deleted afterwards. One person with a phone and a "
        "laptop is two visitors; two people behind one address with the same browser "
        "are one. Somebody who comes on three days is three visitors: no figure here "
        "can say how many people came back on another day, because nothing is kept "
        "that could tell."
    ),
    "Midnight": (
        "A site's day ends at midnight in its time zone, and every visit and every "
        "visitor ends with it. Somebody who reads on past midnight is a new visitor "
        "with a new visit, whose first page is the one after midnight. That is why "
        "days add up: the visitors of a week are the sum of the visitors of its days."
    ),
    "By time": (
        "A page view or an event belongs to the hour, or minute, in which it "
        "happened. A visit and its duration belong to the one in which it began. A "
        "visitor belongs to each hour with a hit, so hours may add up to more than "
        "the day. Weeks begin on Monday; a first week cut short by the range is named "
        "by the range's first day."
    ),
    "The clock's second time": (
        "The hour that the clock shows twice in autumn is two hours, and each of its "
        "minutes is two minutes. The second one carries its offset: `2026-10-25 "
        "02:00:00`, `2026-10-25 02:00:00+01:00`."
    ),
    "A filter": (
        "`is` and `is not` accept the names that answers give to a missing value, "
        "such as `(not set)`, `(none)` or `Direct / None`; `contains` and `matches` "
        "look only at values. An event without a property satisfies `is not`, but "
        "neither `contains not` nor `matches not`: these need the property to be "
        "there."
    ),
    "Source and host": (
        "Under a filter by host, where visits came from (source, channel, referrer, "
        "campaign, entry page) covers the visits that entered on that host; exit "
        "pages are those of the visits that left from it."
    ),
    "visitors": (
        "Distinct visitors with a page view or event that matches the question, "
        "counted day by day and added up. An engagement alone does not make a "
        "visitor."
    ),
    "visits": (
        "The visits that began in the range and have an event that matches the "
        "filters. By a dimension of an event (page, host, name, goal, property): the "
        "visits that have such an event."
    ),
    "pageviews": (
        "Page views that match. Reloads count; engagements and custom events don't."
    ),
    "events": ("Page views and custom events that match; engagements don't count."),
    "views_per_visit": (
        "The page views of the counted visits, divided by the number of those visits, "
        "rounded to two decimal places; 0 if there is no visit. By page: of the "
        "visits that entered there."
    ),
    "bounce_rate": (
        "The share of the counted visits, in percent, without a second page view or "
        "interactive event. By page, or under a filter by page: of the visits that "
        "entered there."
    ),
    "visit_duration": (
        "The mean time in seconds from a visit's first page view or event to its "
        "last. A visit of one hit lasts 0 seconds and counts. Engagements keep a "
        "visit open but don't lengthen it. By page: of the visits that entered there."
    ),
    "percentage": (
        "The row's visitors as a share, in percent, of all visitors who match the "
        "filters. Rows may add up to more than 100: one visitor can see several "
        "pages."
    ),
    "conversion_rate": (
        "The visitors who reached the goal as a share, in percent, of the visitors "
        "who match the filters, except filters by goals and by properties. A "
        "segment's filters count as if each were written out."
    ),
    "group_conversion_rate": (
        "The same share within the row's group: of the visitors from this source, or "
        "this country, those who reached the goal."
    ),
    "scroll_depth": (
        "How far a page was read, in percent: the mean of each visit's deepest point. "
        "Null if no visit reported it. By a property: of the visits that viewed the "
        "page with it."
    ),
    "time_on_page": (
        "How long a page was read, in seconds: the mean of each visit's total engaged "
        "time on it. Null if no visit reported it."
    ),
    "total_revenue": (
        "The revenue of the events that match, in the currency of the goals asked "
        "about. By goal, each is in the currency of its goal, and null for a goal "
        "without one. In all other cases it is null, with a warning, if the goals "
        "asked about have no currency, or several."
    ),
    "average_revenue": ("The same, divided by the number of events that have revenue."),
    "Amounts": (
        "Amounts are exact to a thousandth of the currency's unit, rates to a "
        "hundredth of a percent."
    ),
}
