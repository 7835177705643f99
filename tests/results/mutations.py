"""Recorded texts, damaged as texts are on their way: cut off, lines lost, other line ends, languages and columns."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.results.recorded import every, recorded

JUNK = (
    "",
    "\x00",
    "cat: /sys/kernel/x: Aucun fichier ou dossier de ce type",
    "sh: 1: dumpsys: not found",
    "9" * 5000,
    "²³",
    "level: ١٢",
    "WARNING: linker: something",
    "}{][:,=0x",
)


@st.composite
def damaged(draw: st.DrawFn, *folders: str) -> str:
    """A recorded text of one of the folders after one to four mishaps."""
    text = recorded(draw(st.sampled_from([name for folder in folders for name in every(folder)])))
    for _ in range(draw(st.integers(1, 4))):
        lines = text.split("\n")
        at = draw(st.integers(0, max(0, len(lines) - 1)))
        match draw(st.sampled_from(["cut", "lost", "twice", "ends", "junk", "comma", "columns", "character", "empty"])):
            case "cut":
                text = text[: draw(st.integers(0, len(text)))]
            case "lost":
                text = "\n".join(lines[:at] + lines[at + 1 :])
            case "twice":
                text = "\n".join(lines[: at + 1] + lines[at:])
            case "ends":
                text = text.replace("\r", "").replace("\n", "\r\n")
            case "junk":
                text = "\n".join([*lines[:at], draw(st.sampled_from(JUNK)), *lines[at:]])
            case "comma":
                text = text.replace(".", ",")
            case "columns":
                text = "\n".join(f"{line}\t{line[:5]}" if number == at else line for number, line in enumerate(lines))
            case "character" if text:
                place = draw(st.integers(0, len(text) - 1))
                text = text[:place] + draw(st.characters()) + text[place + 1 :]
            case "empty":
                text = text.replace(draw(st.sampled_from(["0", "1", ":", "=", " ", "true", "mStatus"])), "")
    return text
