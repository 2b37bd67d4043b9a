"""Rollouts in words, in both languages."""

from django.utils.translation import gettext_lazy as _

from apps.console.words import Words

METRICS: Words = {
    "latency": _("Latency, p95"),
    "errors": _("Frames that failed"),
    "fewer": _("Fewer finds per frame"),
    "more": _("More finds per frame"),
    "class_lost": _("A class that vanishes"),
    "lower": _("Lower scores (KS, one-sided)"),
    "ks": _("Other scores (KS)"),
    "psi": _("Other scores (PSI)"),
    "disagreement": _("Other boxes than the base"),
    "fragmentation": _("Broken tracks"),
    "hard": _("Hard frames"),
    "wrong": _("Called wrong by operators"),
    "leaks": _("Faces without a cover"),
}
# What the limit of a guard is a limit of.
LIMITS: Words = {
    "latency": _("times the base"),
    "errors": _("share beyond the base"),
    "fewer": _("times fewer than the base"),
    "more": _("times more than the base"),
    "class_lost": _("times fewer of one class"),
    "lower": _("largest distance of the two distributions, 0 to 1"),
    "ks": _("largest distance of the two distributions, 0 to 1"),
    "psi": _("stability index; above 0.25 the distributions differ"),
    "disagreement": _("share of boxes without a partner"),
    "fragmentation": _("share of tracks beyond the base"),
    "hard": _("share of frames beyond the base"),
    "wrong": _("share of events beyond the base"),
    "leaks": _("share of second looks beyond other cameras"),
}
# What a chart's vertical axis shows.
UNITS: Words = {
    "latency": _("milliseconds"),
    "errors": _("share of frames"),
    "fewer": _("finds per frame"),
    "more": _("finds per frame"),
    "class_lost": _("finds of this class per frame"),
    "lower": _("distance"),
    "ks": _("distance"),
    "psi": _("index"),
    "disagreement": _("share of boxes"),
    "fragmentation": _("share of tracks"),
    "hard": _("share of frames"),
    "wrong": _("share of events"),
    "leaks": _("share of second looks"),
}
VERDICTS: Words = {
    "clear": _("Nothing speaks against it"),
    "hold": _("Holds: cannot tell yet"),
    "breach": _("Limit passed"),
    "": _("Has not looked yet"),
}
VERDICT_TONES = {"clear": "ok", "hold": "warn", "breach": "bad"}
STATE_TONES = {
    "draft": "",
    "running": "accent",
    "waiting": "warn",
    "done": "ok",
    "rolled_back": "bad",
    "stopped": "",
}
HEALTH: Words = {
    "proved": _("works: all results carry its hash"),
    "partly": _("some cameras have not shown its hash yet"),
    "silent": _("no results of it at the moment"),
    "looking": _("looks on, publishes nothing"),
}
HEALTH_TONES = {"proved": "ok", "partly": "warn", "silent": "bad", "looking": "accent"}
STEPS: Words = {
    "create": _("prepared"),
    "start": _("started"),
    "promote": _("next step"),
    "request": _("asked for all cameras"),
    "approve": _("all cameras approved"),
    "decline": _("all cameras declined"),
    "finish": _("made the rule"),
    "roll_back": _("taken back"),
    "stop": _("ended"),
}
ENTRIES: Words = {
    "assign": _("versions were chosen"),
    "before": _("as it was before a change"),
    "rollout": _("a rollout was made the rule"),
    "return": _("went back to an earlier state"),
}
ENDED_BY: Words = {
    "person": _("a person"),
    "guard": _("a guard"),
    "heartbeat": _("the guards: nothing was heard of the candidate"),
    "base_changed": _("the guards: another version was given to the stage"),
    "candidate_gone": _("the guards: the candidate cannot be used any more"),
    "returned": _("a person who went back to an earlier state"),
    "finished": _("a person: it is the rule now"),
}
STRATEGIES: Words = {
    "shadow": _("shadow"),
    "canary": _("canary"),
    "ab": "A/B",
    "blue_green": _("blue/green"),
    "at_once": _("at once, approved by a second person"),
}
