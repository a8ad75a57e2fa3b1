/** Accordions with a checkbox in their head, which Python builds: picking the checkbox unfolds them. */

window.pentimento.unfold = (id, isOn) => {
  const head = document.querySelector(`#${CSS.escape(id)} > .label-wrap, #${CSS.escape(id)} button.label-wrap`);
  if (head && isOn !== head.classList.contains("open")) head.click();
};
