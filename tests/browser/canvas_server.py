"""The application without the page, and in its place a bare page with canvases alone: quick to load, easy to measure.

Run as `python -m tests.browser.canvas_server PORT DATA_DIR`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import uvicorn
from fastapi.responses import HTMLResponse

from modules.base.paths import Paths
from modules.settings.flags import parse_flags
from modules.web.server import create_app
from modules.web.ui.hangups import Hangups
from modules.web.ui.static import serve_assets
from modules.web.ui.texts import Texts
from tests.browser.fake_server import ROOT, FakeSession

PAGE = """<!doctype html><html lang="en"><head><meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="pentimento/css/canvas.css"><script src="pentimento/texts.js"></script>
<style>
:root { --block-background-fill: #fbfaf8; --body-background-fill: #f4f2ee; --body-text-color: #2a2724; --body-text-color-subdued: #7a7268;
 --border-color-primary: #e7e3dc; --primary-500: #c9673b; --primary-600: #ae5029; --button-primary-background-fill: #ae5029;
 --button-secondary-background-fill: #fff; --button-secondary-background-fill-hover: #e7e3dc; --button-secondary-border-color: #d3cdc3; }
:root.dark { --block-background-fill: #1e1c1a; --body-background-fill: #161412; --body-text-color: #f4f2ee;
 --body-text-color-subdued: #a59d91;
 --border-color-primary: #2a2724;
 --button-secondary-background-fill: #2a2724; --button-secondary-background-fill-hover: #423d37;
 --button-secondary-border-color: #423d37; }
body { margin: 0; padding: 10px; background: var(--body-background-fill); font-family: system-ui, sans-serif; --pm-canvas: 460px; }
.off { display: none; } #space { height: var(--space, 0px); }
#pm_toasts { position: fixed; right: 8px; top: 8px; z-index: 99; }
</style></head><body><input id="text" placeholder="words"><div id="space"></div>
<div id="view" class="off"><div class="pm-view" data-mode="view"></div></div>
<div id="mask"><div class="pm-view" data-mode="mask"></div></div>
<div id="paint" class="off"><div class="pm-view" data-mode="paint"></div></div>
<div id="both" class="off"><div class="pm-view" data-mode="view_mask"></div><div class="pm-mask-drop"></div></div>
<div id="tail" style="height: 600px"></div>
<script type="module">
import "./pentimento/js/pentimento.js";
window.frames = 0;
const ask = window.requestAnimationFrame.bind(window);
window.nextFrame = () => new Promise((done) => ask(() => done()));
window.requestAnimationFrame = (work) => ask((time) => { window.frames++; work(time); });
window.triggers = [];
window.values = [];
window.watchers = [];
window.parts = {
  props: { value: null },
  trigger: (name) => triggers.push(name),
  watch: (name, work) => watchers.push(work),
};
const mounts = ["view", "mask", "paint", "both"].map((id) => ["view", { element: document.getElementById(id) }]);
window.pentimentoMounts = [...mounts, ["mask_drop", { element: document.getElementById("both") }], ["document", window.parts]];
await import("./pentimento/js/canvas.js");
window.ready = true;
</script></body></html>"""


def main(port: int, data: Path) -> None:
    session = FakeSession(Paths.under(ROOT, data), parse_flags([]))
    app = create_app(session, with_page=False)

    @app.get("/", response_class=HTMLResponse)
    def show_canvas() -> str:
        return PAGE

    app.add_middleware(Hangups)
    serve_assets(app, Texts.load())
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
