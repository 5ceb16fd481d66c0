// Small helpers. Every page works without them: clocks show the time of the page, forms are sent once by the server's rule.
"use strict";
(() => {
  const texts = document.getElementById("clock-texts");
  // The same units, limits and names as those of the server's words (Babel and browsers both take them from CLDR).
  const units = [["year", 31536000], ["month", 2592000], ["week", 604800], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const formats = {};
  const format = (unit) =>
    (formats[unit] ??= new Intl.NumberFormat(document.documentElement.lang, { style: "unit", unit, unitDisplay: "long" }));
  const span = (seconds) => {
    const [unit, size] = units.find(([, size]) => seconds / size >= 1.5) || ["second", 1];
    const count = Math.max(seconds > 0 ? 1 : 0, Math.round(seconds / size));
    return format(unit).format(count);
  };
  const words = (seconds) => texts.dataset[seconds < 0 ? "late" : "left"].replace("%", span(Math.abs(seconds)));
  const starts = new WeakMap();
  const tick = () => {
    if (!texts) return;
    const now = performance.now();
    for (const clock of document.querySelectorAll("[data-clock]")) {
      if (!starts.has(clock)) starts.set(clock, now);
      const rate = Number(clock.dataset.rate) || 1;
      const left = Number(clock.dataset.clock) - ((now - starts.get(clock)) / 1000) * rate;
      const state = left < 0 ? "over" : left < 600 ? "soon" : "ample";
      const text = words(left);
      if (clock.textContent !== text) clock.textContent = text;
      if (clock.dataset.state !== state) clock.dataset.state = state;
    }
  };
  setInterval(tick, 1000);

  // A second click on the same form is ignored while the first one is on its way.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    if (form.method.toLowerCase() === "post") form.dataset.sent = "yes";
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  });

  // Filters apply as soon as a list entry is chosen.
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-auto]");
    if (form && event.target.matches("select")) form.requestSubmit();
  });

  // The page to which a person returns after the sign-in, when a part of it was asked for.
  document.addEventListener("htmx:configRequest", (event) => {
    event.detail.headers["HX-Current-Path"] = location.pathname + location.search;
  });
})();
