"""One entry, read as far as its headers: model or adapter, facts, labels, base, tokenizer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final

from wsgeo.errors import EntryError, WsgeoError
from wsgeo.escapes import printable
from wsgeo.zoo.adapter_entries import adapter_base, draft_adapter
from wsgeo.zoo.bases import BaseFinder
from wsgeo.zoo.checkpoints import Fact
from wsgeo.zoo.discovery import Found
from wsgeo.zoo.documents import Roots
from wsgeo.zoo.drafts import BaseFiles, Draft, draft_model
from wsgeo.zoo.facts import own_labels, read_facts
from wsgeo.zoo.keys import resolve_body
from wsgeo.zoo.labels import check_names
from wsgeo.zoo.manifest import manifest_facts
from wsgeo.zoo.tokenizer_files import find_tokenizer

if TYPE_CHECKING:
    from wsgeo.zoo.manifest_schema import Manifest


@final
@dataclass
class EntryReader:
    """Reads the entries of one zoo.

    Parameters
    ----------
    roots : Roots
        Where files may lie.
    finder : BaseFinder
        Of the zoo.
    manifest : Manifest
        Of the zoo.
    alerts : list of str
        Grows by what is odd but no reason to leave an entry out.
    """

    roots: Roots
    finder: BaseFinder
    manifest: Manifest
    alerts: list[str] = field(default_factory=list)

    def read(self, entry: Found) -> Draft:
        """Read one entry.

        Parameters
        ----------
        entry : Found
            Where it is.

        Returns
        -------
        Draft
            Complete but for its weights.

        Raises
        ------
        EntryError
            If anything in it is refused.
        """
        inside = self._roots_of(entry)
        facts = read_facts(entry.folder, inside, entry.root)
        facts |= manifest_facts(self.manifest, entry.id)
        if entry.is_adapter:
            base = adapter_base(entry, facts, self.finder)
            draft = draft_adapter(entry, inside, base, allow_pickle=self.finder.allow_pickle)
        else:
            draft = draft_model(entry, inside, allow_pickle=self.finder.allow_pickle)
            draft.base = self._base_of_model(entry, draft, facts)
        named = entry.base or self.finder.from_user
        if named and draft.base is not None:
            facts["base"] = Fact(named, "command line")
        facts.setdefault("method", Fact(_method(draft), "weights"))
        draft.facts = facts
        self._name_labels(draft, inside)
        draft.tokenizer = find_tokenizer(entry.folder, inside)
        if draft.tokenizer is None and draft.base is not None:
            draft.tokenizer = draft.base.tokenizer
        _check_tokenizer(draft)
        return draft

    def _roots_of(self, entry: Found) -> Roots:
        """Add the repository of a cached snapshot, which lies outside the zoo."""
        if entry.revision is None:
            return self.roots
        return Roots((*self.roots.folders, *Roots.of(entry.folder).folders))

    def _base_of_model(
        self, entry: Found, draft: Draft, facts: dict[str, Fact]
    ) -> BaseFiles | None:
        """Return the base of a full model; one that does not fit is told of, and left out."""
        try:
            base = adapter_base(entry, facts, self.finder)
            if base is None or base.folder == entry.folder.resolve():
                return None
            resolve_body(draft.architecture, base.files.stored, str(base.folder))
        except EntryError as error:
            self._warn(entry, error)
            return None
        return base

    def _warn(self, entry: Found, error: WsgeoError) -> None:
        self.alerts.append(f"The base of {printable(entry.id)} is not used: {printable(error)}")

    def _name_labels(self, draft: Draft, inside: Roots) -> None:
        """Take label names from the manifest, else from our own file where the config has none."""
        member = self.manifest.member_named(draft.id)
        names = member.labels if member is not None else None
        where = str(self.finder.root / "zoo.toml")
        if names is None and draft.labels and not draft.labels_named:
            names, where = own_labels(draft.folder, inside), str(draft.folder / "wsgeo.json")
        if names is not None:
            draft.labels = check_names(names, len(draft.labels), where)
            draft.labels_named = True


def _method(draft: Draft) -> str:
    """Return how an entry was trained, as far as its files show."""
    return "lora" if draft.lora else "ia3" if draft.scalings else "full"


def _check_tokenizer(draft: Draft) -> None:
    tokenizer = draft.tokenizer
    if tokenizer is None:
        raise EntryError(
            "tokenizer_missing",
            "neither the folder nor its base holds a tokenizer",
            where=str(draft.folder),
            remedy="Copy the tokenizer's files into the folder, or name the base with --base PATH.",
            malformed=False,
        )
    n_rows = draft.config.raw.get("vocab_size")
    if isinstance(n_rows, int) and tokenizer.n_ids > n_rows:
        raise EntryError(
            "tokenizer_too_large",
            f"the tokenizer gives ids up to {tokenizer.n_ids - 1}, the embedding has {n_rows} rows",
            where=str(tokenizer.main),
            remedy="Put the tokenizer that the model was trained with into its folder.",
        )
