/** The layers: a picture taken apart, changed layer by layer, put together again. */

import { whenThere } from "./when.js";

whenThere("#pm_layers", (root) => root.setAttribute("aria-label", window.pentimento.t("layers.tab")));
