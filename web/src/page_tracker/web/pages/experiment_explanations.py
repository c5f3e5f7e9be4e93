"""How experiments are counted: the words of docs/guides/experiments.md, held by a
test."""

METHODS = {
    "Who is in a group": (
        "A visitor is in a group by any event with the property on that day, and "
        "converts by reaching the goal in that event or after it, in the same visit "
        "or in a later one of that day."
    ),
    "Who is in none": (
        "Who was in several groups on one day is counted in none of them; the answer "
        "tells how many there were. Who has no value is in no group."
    ),
    "Rate": "Wilson's score interval (1927)",
    "Difference": "Newcombe's method 10 (1998), which joins two of Wilson's",
    "Chance to be better": (
        "the posterior probability with even priors (Thompson, 1933): of the rates "
        "that fit the figures, the share of pairs in which the group's is above the "
        "control's"
    ),
    "Result": (
        "the interval of the difference is above 0, or below; otherwise it is open"
    ),
    "Several groups": (
        "The more comparisons, the likelier it is that one of them shows a difference "
        "by chance, so the intervals of the differences are widened (Bonferroni): in "
        "at most 5 of 100 experiments without any difference some group seems to "
        "differ. The chance to be better is not corrected."
    ),
}
