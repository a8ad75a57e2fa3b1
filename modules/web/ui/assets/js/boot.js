/* Runs before anything else on the page; LANGUAGE is given by boot.py. */
Object.defineProperty(navigator, "language", { get: () => LANGUAGE });
Object.defineProperty(navigator, "languages", { get: () => [LANGUAGE] });
const wanted = localStorage.getItem("pentimento_theme");
if (wanted) {
  const url = new URL(location.href);
  if (url.searchParams.get("__theme") !== wanted) {
    url.searchParams.set("__theme", wanted);
    history.replaceState(null, "", url);
  }
}
