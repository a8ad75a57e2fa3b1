let tabMakerUpdates = 0;
let tabMakerTabs = [];
function tabMakerSend(words) {
  const box = gradioApp().querySelector("#tab_maker_sent textarea");
  box.value = words;
  updateInput(box);
  gradioApp().querySelector("#tab_maker_deliver").click();
}
function tabMakerStart() {
  const values = create_submit_args(arguments);
  values[0] = randomId();
  requestProgress(values[0], gradioApp().getElementById("tab_maker_said"), null, () => { window.tabMakerEnded = true; }, null, 0);
  return values;
}
function tabMakerAsk(words) {
  return `${words} of the browser`;
}
onUiLoaded(() => {
  window.tabMakerLoaded = [gradioApp().querySelector("#script_list") !== null, gradioApp().querySelector("#tab_maker_words") !== null,
    opts.tab_maker_greeting, gradioApp().getElementById("txt2img_generate") !== null];
});
onUiUpdate(() => {
  tabMakerUpdates += 1;
});
onUiTabChange(() => tabMakerTabs.push(get_uiCurrentTab().textContent.trim()));
