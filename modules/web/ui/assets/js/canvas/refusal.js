/** Why a file could not be opened, in words for the person who gave it. */

const t = (id, values) => window.pentimento.t(id, values);

/* What the server's texts say, see modules/imaging/picture.py and `POST /api/masks`. */
const REASONS = [
  [/^other: .* or of the same shape$/, "canvas.trouble.mask_shape"],
  [/wanted a whole picture\b/, "canvas.trouble.damaged"],
  [/cannot be read as one$|a picture of at least 1x1 pixel$/, "canvas.trouble.no_picture"],
];

/**
 * One sentence about a file that was refused.
 *
 * @param {Error} error as `uploadAsset` raised it, with `fileName`, or `applyToMask`.
 * @param {string} otherwise id of the text for every other reason, which gets `{why}`.
 * @returns {string} in the language in force.
 */
export function refusal(error, otherwise) {
  const [, id] = REASONS.find(([pattern]) => pattern.test(error.message)) ?? [];
  return id ? t(id, { name: error.fileName }) : t(otherwise, { why: error.message });
}
