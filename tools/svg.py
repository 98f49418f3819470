"""The little of SVG that the pictures of the documents need."""

from xml.sax.saxutils import escape


class Drawing:
    """Collects the elements of one picture; lengths are in pixels, `y` counts downwards."""

    def __init__(self) -> None:
        self._elements: list[str] = []
        self._patterns: list[str] = []

    def text(self, x: float, y: float, said: str, style: str = "", anchor: str = "start") -> None:
        """Write a line of text; `anchor` says which part of it stands at `x`."""
        attributes = f' class="{style}"' * bool(style) + f' text-anchor="{anchor}"'
        self._elements.append(f'<text x="{x}" y="{y}"{attributes}>{escape(said)}</text>')

    def bar(self, left: float, right: float, y: float, style: str, height: float = 14) -> None:
        """Draw a bar whose middle is the line `y`."""
        width = round(max(1.5, right - left), 1)
        top = round(y - height / 2, 1)
        self._elements.append(
            f'<rect class="{style}" x="{left}" y="{top}" width="{width}" height="{height}" rx="2"/>'
        )

    def ring(self, x: float, y: float) -> None:
        """Draw a ring around a point."""
        self._elements.append(f'<circle class="ring" cx="{x}" cy="{y}" r="8"/>')

    def dot(self, x: float, y: float, style: str, radius: float = 3.5) -> None:
        """Draw a filled point."""
        self._elements.append(f'<circle class="{style}" cx="{x}" cy="{y}" r="{radius}"/>')

    def path(self, steps: str, style: str) -> None:
        """Draw a line by the commands of SVG."""
        self._elements.append(f'<path class="{style}" d="{steps}"/>')

    def pattern(self, definition: str) -> None:
        """Add a pattern to fill with, by its own SVG."""
        self._patterns.append(definition)

    def document(self, width: float, height: float, *, title: str, told: str, style: str) -> str:
        """Return the picture; `told` is what it shows, in words, for those who do not see it."""
        body = "\n".join(self._elements)
        return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" \
width="{width}" height="{height}" role="img" aria-labelledby="title told">
<title id="title">{escape(title)}</title>
<desc id="told">{escape(told)}</desc>
<style>{style}</style>
<defs>{"".join(self._patterns)}</defs>
<rect class="card" x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="6"/>
{body}
</svg>
"""
