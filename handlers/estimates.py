"""Commands that put documents on record, each with versions: estimate, sow, cogs, legal; and who agrees with them."""

from __future__ import annotations

import difflib
from typing import Final

from app.blocks.words import joined, together
from app.errors import NotAllowed, UserError
from app.fallen_words import saying_title
from app.hearing import Hearing
from app.machine.criteria import is_said
from app.machine.gates import verdict_on
from app.machine.papers import is_same, mark_about
from app.machine.standing import Paper, Verdict
from app.machine.timeline import said, with_time
from app.methodology.process import Document, Saying
from app.registry import registry
from app.status_words import document_in_words, paper_in_words
from app.text import Safe, code_span, own
from app.ways import PUT_BY
from handlers.workbooks import COGS_DRAFT, FORMS, SOW_DRAFT, take_workbook, takes_file, the_file


@registry.command(
    "estimate",
    usage="AMOUNT CURRENCY [tm|ff|mixed] [URL]",
    says=(
        "Put the estimate on record as its next version; what was approved or agreed of the one before is void. "
        "With a workbook uploaded in the same comment, or with nothing behind it: that workbook, or the last draft."
    ),
    who=("em",),
    examples=("62000 USD", "48,500.00 eur ff https://docs.google.com/spreadsheets/d/1", "€55k tm"),
    sees_files=takes_file,
)
def estimate(hearing: Hearing) -> None:
    """The currency needs a rate, or nobody could say whether it is above a threshold."""
    if takes_file(hearing.words.text):
        _put(hearing, Document.ESTIMATE, take_workbook(hearing))
        return
    rules, words = hearing.methodology.money, hearing.words
    money = words.money(main_currency=rules.currency)
    if money.currency not in rules.rates:
        known = joined((code_span(each) for each in rules.rates), own(", "))
        raise UserError(
            together(own("I have no rate for "), code_span(money.currency), own(". Known: "), known, own("."))
        )
    form = words.take(FORMS)
    url = words.url()
    form = form or words.take(FORMS)
    words.end()
    paper = Paper(0, hearing.by, hearing.at, url, money.amount, money.currency, form and FORMS[form].value)
    _put(hearing, Document.ESTIMATE, paper)


@registry.command(
    "sow",
    usage="URL",
    says=(
        "Put the SOW on record as its next version; approvals of the one before are void. With a file uploaded in the "
        "same comment, or with nothing behind it: that file, or the last draft."
    ),
    who=("em",),
    examples=("https://docs.google.com/document/d/2",),
    sees_files=takes_file,
)
def sow(hearing: Hearing) -> None:
    """Where the SOW is."""
    _put_url(hearing, Document.SOW, or_draft=SOW_DRAFT)


@registry.command(
    "cogs",
    usage="URL",
    says=(
        "Put the cost sheet (COGS) on record; approvals of the SOW are bound to it. With a file uploaded in the same "
        "comment, or with nothing behind it: that file, or the last draft."
    ),
    who=("em",),
    examples=("https://docs.google.com/spreadsheets/d/3",),
    sees_files=takes_file,
)
def cogs(hearing: Hearing) -> None:
    """Where the cost sheet is."""
    _put_url(hearing, Document.COGS, or_draft=COGS_DRAFT)


@registry.command(
    "legal",
    usage="URL",
    says="Put the legal approval case on record.",
    who=("em", "account_team", "legal"),
    examples=("https://example.my.salesforce.com/500x1",),
)
def legal(hearing: Hearing) -> None:
    """Where the legal case is."""
    _put_url(hearing, Document.LEGAL_CASE)


@registry.command(
    "legal stamped",
    says="Say that Legal has stamped the SOW as it is now.",
    who=("legal", "em"),
)
def stamped(hearing: Hearing) -> None:
    """Counts for this version of the SOW only."""
    hearing.words.end()
    _mark(hearing, Document.SOW, Saying.LEGAL_STAMPED)


@registry.command(
    "finance approved",
    says="Say that Finance has approved the SOW as it is now.",
    who=("revenue", "em"),
)
def finance_approved(hearing: Hearing) -> None:
    """Counts for this version of the SOW only."""
    hearing.words.end()
    _mark(hearing, Document.SOW, Saying.FINANCE_APPROVED)


@registry.command(
    "signed",
    usage="[customer|gitlab]",
    says="Say that the SOW as it is now is signed, by the customer or by GitLab; with no word behind it, by both.",
    who=("em", "account_team", "legal"),
    examples=("", "customer", "gitlab"),
)
def signed(hearing: Hearing) -> None:
    """Counts for this version of the SOW only."""
    parties = {"customer": Saying.CUSTOMER_SIGNED, "gitlab": Saying.GITLAB_SIGNED}
    party = hearing.words.take(parties)
    hearing.words.end()
    if party == "gitlab" and not hearing.holds("em", "legal"):
        who = together(hearing.role("em"), own(" or "), hearing.role("legal"))
        raise NotAllowed(
            together(own("That GitLab has signed is for: "), who, own(".")),
            reason=f"that is for {hearing.titles(('em', 'legal'))}",
        )
    both = list(parties.values()) if hearing.holds("em", "legal") else [Saying.CUSTOMER_SIGNED]
    _mark(hearing, Document.SOW, *([parties[party]] if party else both))


@registry.command(
    "agree",
    usage="[customer|account-team] [NOTE]",
    says="Say who agrees on price and scope of the estimate as it is now; with no word behind it, both do.",
    who=("em", "account_team"),
    examples=("", "customer", "account-team price is fine, scope as discussed"),
)
def agree(hearing: Hearing) -> None:
    """Counts for this version of the estimate only."""
    parties = {"customer": Saying.CUSTOMER_AGREES, "account-team": Saying.ACCOUNT_TEAM_AGREES}
    party = hearing.words.take(parties)
    word = hearing.words.peek()
    if party is None and word is not None and (near := difflib.get_close_matches(word.lower(), parties, n=1)):
        raise UserError(together(own("Did you mean "), hearing.form(f"agree {near[0]}"), own("?")))
    note = hearing.reason()
    # whoever is not the EM speaks for the account team
    both = list(parties.values()) if hearing.holds("em") else [Saying.ACCOUNT_TEAM_AGREES]
    sayings = [parties[party]] if party else both
    _mark(hearing, Document.ESTIMATE, *sayings, words=note)


KINDS: Final = {Document.SOW: (".docx", ".pdf"), Document.COGS: (".xlsx",)}
"""What may be uploaded as which document."""


def _put_url(hearing: Hearing, document: Document, *, or_draft: str | None = None) -> None:
    """An address; or a file: one that the comment links to, else the draft of this name."""
    file = None if or_draft is None else the_file(hearing, or_draft, KINDS[document])
    url = hearing.words.needed_url() if file is None else None
    hearing.words.end()
    is_internal = file is not None and (document is Document.COGS or hearing.is_internal)
    _put(hearing, document, Paper(0, hearing.by, hearing.at, url, file=file, is_internal=is_internal))


def _put(hearing: Hearing, document: Document, paper: Paper) -> None:
    """On record as its next version; the same again is no new version."""
    course, methodology = hearing.course, hearing.methodology
    known = course.standing.papers.get(document)
    if known is not None and int(paper.at) < int(known.at):
        raise _said_before(hearing, document)
    if known is not None and is_same(known, paper):
        name = document_in_words(document, methodology)
        hearing.say(own(f"That is on record already, as version {known.version} of the {name}."))
        return
    before = _in_force(hearing)
    course.put(document, paper)
    put = course.standing.papers[document]
    course.because(f"{methodology.documents[document].title}: version {put.version}")
    # it is told how it was read, and which file was taken
    if put.file is not None or (put.amount is not None and not _is_plain(put, hearing.words.text)):
        hearing.say(own("On record: "), joined(paper_in_words(put, methodology), own(", ")), own("."))
    after = _in_force(hearing)
    if void := [words for key, words in before.items() if key not in after]:
        why = own(", because it was said of what was on record before; whoever said it hears of it.")
        hearing.say(own("With this the following is void: "), joined(void, own(", ")), why)


def _said_before(hearing: Hearing, document: Document) -> NotAllowed:
    name = document_in_words(document, hearing.methodology)
    late = own(f"That was said before the {name} of now was on record.")
    return NotAllowed(late, reason="it was said before the version of now")


def _in_force(hearing: Hearing) -> dict[str, Safe]:
    """What people have said of the documents as they are now: gate or criterion → its title and who said it."""
    methodology, standing = hearing.methodology, hearing.standing
    found: dict[str, Safe] = {}
    for name, gate in methodology.gates.items():
        if gate.document is not None and verdict_on(name, standing, methodology) is Verdict.PASSED:
            found[name] = together(own(f"**{gate.title}** ("), code_span(standing.approvals[name].by), own(")"))
    for key, criterion in methodology.criteria.items():
        said = [standing.marks[each] for each in criterion.said if is_said(each, standing, methodology)]
        if said:
            found[key] = together(own(f"**{criterion.title}** ("), code_span(said[0].by), own(")"))
    return found


def _is_plain(paper: Paper, words: str) -> bool:
    """Whether the amount was written as it is kept: then there is nothing to tell."""
    return f"{paper.amount} {paper.currency}".lower() in " ".join(words.lower().split())


def _mark(hearing: Hearing, document: Document, *sayings: Saying, words: str | None = None) -> None:
    course = hearing.course
    if document is Document.SOW and document not in course.standing.papers:
        nothing = own("There is no SOW on record yet that this could be about. First: ")
        raise NotAllowed(together(nothing, hearing.form(PUT_BY[document]), own(".")), reason="there is no SOW")
    mark = mark_about(document, course.standing, hearing.methodology, by=hearing.by, at=hearing.at, words=words)
    if int(hearing.at) < max((int(paper.at) for paper in mark.papers.values()), default=0):
        raise _said_before(hearing, document)
    marks = {**course.standing.marks, **{saying.value: mark for saying in sayings}}
    course.standing = course.standing.with_marks(marks)
    for saying in sayings:
        course.standing = with_time(course.standing, said(saying.value), hearing.at)
    course.because(", ".join(dict.fromkeys(saying_title(each, hearing.methodology) for each in sayings)))
