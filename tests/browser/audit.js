/* An accessibility audit of the page as it is shown. Evaluates to {contrast, duplicates, tabindex, images}. */
(() => {
  const AA = 4.5;
  const AA_LARGE = 3;
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  canvas.canvas.width = canvas.canvas.height = 1;

  /* A CSS colour, in whatever notation, as [r, g, b, alpha] with 0-255 and 0-1. */
  const parse = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, alpha] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, alpha / 255];
  };
  const over = ([r, g, b, a], [r2, g2, b2]) => [r * a + r2 * (1 - a), g * a + g2 * (1 - a), b * a + b2 * (1 - a)];

  /* Colour behind an element; null where a picture is. */
  const ground = (element) => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) {
      const style = getComputedStyle(e);
      if (style.backgroundImage !== "none" && e.tagName !== "SELECT") return null;
      const colour = parse(style.backgroundColor);
      if (colour[3] > 0) layers.push(colour);
      if (colour[3] === 1) break;
    }
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255]);
  };

  /* Relative luminance and contrast: WCAG 2.2, definitions. */
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, two) => {
    const [dark, light] = [luminance(one), luminance(two)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };

  const isShown = (element) => element.checkVisibility({ visibilityProperty: true }) && element.getClientRects().length > 0;
  const name = (element) => {
    const owner = element.closest("[id]");
    const text = (element.value || element.textContent || "").trim().slice(0, 40);
    return `${element.tagName.toLowerCase()}.${element.className?.baseVal ?? element.className} in #${owner?.id}: ${text}`;
  };

  const found = { contrast: [], duplicates: [], tabindex: [], images: [], texts: 0 };
  const texts = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) if (walker.currentNode.data.trim()) texts.add(walker.currentNode.parentElement);
  for (const box of document.querySelectorAll("input:not([type=checkbox], [type=radio], [type=range], [type=color], [type=file]), textarea, select")) texts.add(box);
  for (const element of texts) {
    if (!isShown(element) || element.closest("script, style, [disabled], [aria-disabled=true], .toast-wrap, svg, canvas")) continue;
    const style = getComputedStyle(element);
    if (parseFloat(style.fontSize) < 1) continue;
    const rect = element.getBoundingClientRect();
    if (rect.width <= 1 || rect.height <= 1) continue; // for screen readers only
    const behind = ground(element);
    if (!behind) continue;
    let opacity = 1;
    for (let e = element; e; e = e.parentElement) opacity *= Number(getComputedStyle(e).opacity);
    const colour = parse(style.color);
    const ratio = contrast(over([...colour.slice(0, 3), colour[3] * opacity], behind), behind);
    const size = parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    found.texts += 1;
    if (ratio < (isLarge ? AA_LARGE : AA) - 0.005) found.contrast.push(`${ratio.toFixed(2)} ${name(element)}`);
  }
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  found.duplicates = [...new Set(ids.filter((id, place) => id && ids.indexOf(id) !== place))];
  found.tabindex = [...document.querySelectorAll("[tabindex]")].filter((element) => element.tabIndex > 0).map(name);
  found.images = [...document.querySelectorAll("img:not([alt])")].filter(isShown).map(name);
  return found;
})();
