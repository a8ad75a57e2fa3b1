onUiLoaded(function () {
    window.sizePresetsLoaded = gradioApp().querySelectorAll("#img2img_width").length;
});
let sizePresetsUpdates = 0;
onUiUpdate(function () { sizePresetsUpdates += 1; });
