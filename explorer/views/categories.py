"""The page's verbs that label, and that make, change and drop categories."""

from __future__ import annotations

from explorer.views.others import others_lost
from explorer.views.part import Part


class Categories(Part):
    """Each verb is one of the session's, and a sentence about what it did."""

    def on_label(self, name: str) -> None:
        """Label what is selected."""
        count = self.session.label(name)
        if self.session.color_by == "none":
            self.session.color_by = "label"
        done = f"{count:,} labelled “{name}”{others_lost(self.session)}" if count else f"all selected were “{name}” already"
        self.view._toast(done)

    def on_unlabel(self) -> None:
        """Take the labels of what is selected away."""
        self.view._toast(f"{self.session.unlabel():,} labels removed{others_lost(self.session)}")

    def on_label_set(self, name: str) -> None:
        """Go on with another set of labels."""
        self.session.use_label_set(name)

    def on_create(self, name: str) -> None:
        """Make an empty category."""
        self.session.create_category(name)

    def on_rename(self, name: str, to: str) -> None:
        """Call a category otherwise."""
        self.session.rename_category(name, to)

    def on_recolor(self, name: str, color: str) -> None:
        """Give a category another colour."""
        self.session.recolor_category(name, color)

    def on_merge(self, name: str, into: str) -> None:
        """Give a category's items to another."""
        self.view._toast(f"{self.session.merge_category(name, into):,} items are “{into}” now")

    def on_delete(self, name: str) -> None:
        """Drop a category."""
        self.view._toast(f"“{name}” deleted; {self.session.delete_category(name):,} items lost their label")

    def on_undo(self) -> None:
        """Take the last change back."""
        self._told("undone", self.session.undo())

    def on_redo(self) -> None:
        """Do again what was taken back."""
        self._told("done again", self.session.redo())

    def _told(self, what: str, verb: str | None) -> None:
        self.view._show("selection")
        self.view._toast(f"{what}: {verb}" if verb else "nothing to do")
