let tabMakerUpdates = 0;
let tabMakerTabs = [];
function tabMakerAsk(words) {
  return `${words} of the browser`;
}
onUiLoaded(() => {
  window.tabMakerLoaded = [gradioApp().querySelector("#script_list") !== null, gradioApp().querySelector("#tab_maker_words") !== null,
    opts.tab_maker_greeting];
});
onUiUpdate(() => {
  tabMakerUpdates += 1;
});
onUiTabChange(() => tabMakerTabs.push(get_uiCurrentTab().textContent.trim()));
