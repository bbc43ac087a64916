"""How a page looks at the widths of a phone and a desk, light and dark."""

import base64
from pathlib import Path

from chromium import Chromium

WIDTHS = (390, 1280)
SCHEMES = ("light", "dark")

# What cannot be read: what leaves the page, text too faint for its ground, and fields whose border
# is (WCAG 2.2, 1.4.3 and 1.4.11).
FLAWS = """(() => {
  const flaws = [];
  const over = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  if (over > 0) flaws.push(`${over} px wider than the window`);
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  const paint = (colors) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const color of colors) { canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (rgb) => {
    const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = rgb.map((v) => linear(v / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const dark = matchMedia('(prefers-color-scheme: dark)').matches;
  const contrast = (element, color) => {
    const grounds = [];
    for (let e = element; e; e = e.parentElement) {
      grounds.unshift(getComputedStyle(e).backgroundColor);
    }
    grounds.unshift(dark ? 'black' : 'white');
    const [a, b] = [light(paint(grounds)), light(paint([...grounds, color]))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };
  for (const element of document.body.querySelectorAll('*')) {
    if (element.getClientRects().length === 0) continue;
    const style = getComputedStyle(element);
    if (element.matches('input') && element !== document.activeElement) {
      const ratio = contrast(element.parentElement, style.borderBottomColor);
      if (ratio < 3) flaws.push(`contrast ${ratio.toFixed(1)}: border of ${element.name}`);
    }
    if (![...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) continue;
    const ratio = contrast(element, style.color);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && parseInt(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) {
      flaws.push(`contrast ${ratio.toFixed(1)}: ${element.innerText.trim()}`);
    }
  }
  return flaws;
})()"""


def photograph(browser: Chromium, folder: Path, name: str) -> list[str]:
    """Screenshots at both widths, light and dark; says what is wrong with them."""
    folder.mkdir(parents=True, exist_ok=True)
    flaws = []
    for width in WIDTHS:
        for scheme in SCHEMES:
            browser.look(width, scheme)
            found = browser.evaluate(FLAWS)
            flaws += [f"{width} px, {scheme}: {flaw}" for flaw in found]
            shot = browser.call("Page.captureScreenshot", captureBeyondViewport=False)
            file = folder / f"{name}-{width}-{scheme}.png"
            file.write_bytes(base64.b64decode(shot["data"]))
    browser.look_as_before()
    return flaws
