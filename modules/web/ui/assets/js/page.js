() => {
  const press = (id) => {
    const button = document.getElementById(id);
    if (button && button.offsetParent !== null) button.click();
  };

  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      press("img2img_generate");
    } else if (event.key === "Escape" && event.altKey) {
      press("img2img_interrupt");
    }
  });

  const language = document.documentElement.lang;
  for (const button of document.querySelectorAll("#pm_language [data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === language));
    button.addEventListener("click", () => {
      document.cookie = `pentimento_language=${button.dataset.language}; path=/; max-age=31536000; samesite=lax`;
      location.reload();
    });
  }

  document.getElementById("pm_theme")?.addEventListener("click", () => {
    const isDark = document.body.classList.toggle("dark");
    localStorage.setItem("pentimento_theme", isDark ? "dark" : "light");
  });
}
