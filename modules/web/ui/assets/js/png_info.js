/** A picture pasted while "PNG info" is open goes there, wherever the focus is but in a text field. */

const DROP = "#pnginfo_image input[type=file]";

document.addEventListener("paste", (event) => {
  const tab = document.getElementById("tab_pnginfo");
  const input = document.querySelector(DROP);
  if (!input || !tab || tab.offsetParent === null || event.target.closest?.("input, textarea, [contenteditable]")) return;
  const file = [...(event.clipboardData?.files ?? [])].find((one) => one.type.startsWith("image/"));
  if (!file) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const files = new DataTransfer();
  files.items.add(file);
  input.files = files.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}, { capture: true });
