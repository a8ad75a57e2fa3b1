/** Token counters beside the prompts: "12/75", and "80/150" where a second chunk has begun. */

import { Refusal, postJson } from "./api.js";
import { onLanguage, t } from "./pentimento.js";
import { whenThere } from "./when.js";

const PAUSE_MS = 300;
const EMPTY = { tokens: 0, room: 75 };
const PLACES = { prompt: "img2img_token_counter", negative_prompt: "img2img_negative_token_counter" };
const state = { wish: null, timer: 0, asking: null, counts: { prompt: EMPTY, negative_prompt: EMPTY }, problem: null };

function draw() {
  for (const [name, id] of Object.entries(PLACES)) {
    const place = document.querySelector(`#${id} .pm-tokens`);
    if (!place) continue;
    const count = state.counts[name];
    place.textContent = count ? `${count.tokens}/${count.room}` : "?";
    place.title = count ? t("prompt.tokens", count) : t(state.problem);
    place.classList.toggle("is-long", count !== null && count.room > EMPTY.room);
    if (count) place.removeAttribute("role");
    else place.setAttribute("role", "note");
  }
}

function show(counts, problem = null) {
  state.counts = counts;
  state.problem = problem;
  draw();
}

async function count() {
  const { prompt, negative_prompt, styles, steps } = state.wish;
  state.asking?.abort();
  if (!prompt.trim() && !negative_prompt.trim() && !styles.length) {
    show({ prompt: EMPTY, negative_prompt: EMPTY });
    return;
  }
  const asking = new AbortController();
  state.asking = asking;
  try {
    const counts = await postJson("api/tokens", { prompt, negative_prompt, styles, steps }, { signal: asking.signal });
    if (!asking.signal.aborted) show(counts, counts.problem === null ? null : "prompt.tokens.missing");
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
    if (!asking.signal.aborted) show({ prompt: null, negative_prompt: null }, "prompt.tokens.failed");
  }
}

/** Count anew, as soon as nothing has changed for a moment. */
export function countTokens(prompt, negative_prompt, styles, steps) {
  state.wish = { prompt: prompt ?? "", negative_prompt: negative_prompt ?? "", styles: styles ?? [], steps: Math.max(1, Math.round(steps) || 1) };
  recount();
}

/** Count the same texts anew, after styles have changed. */
export function recount() {
  if (!state.wish) return;
  clearTimeout(state.timer);
  state.timer = setTimeout(count, PAUSE_MS);
}

onLanguage(draw);
for (const id of Object.values(PLACES)) whenThere(`#${id} .pm-tokens`, draw);
window.pentimento.countTokens = countTokens;
