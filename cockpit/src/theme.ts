// Runs before the page is painted, lest a dark one flashes white.
//
// Cockpit's choice of a light or dark look: kept by its shell, told by an event, or the browser's own.

const KEY = "shell:style";
const CLASS = "pf-v6-theme-dark";

const dark = window.matchMedia("(prefers-color-scheme: dark)");

function follow(chosen = localStorage.getItem(KEY) ?? "auto"): void {
    const isDark = chosen === "dark" || (chosen === "auto" && dark.matches);
    document.documentElement.classList.toggle(CLASS, isDark);
}

follow();
dark.addEventListener("change", () => follow());
window.addEventListener("storage", (event) => {
    if (event.key === KEY) follow();
});
window.addEventListener("cockpit-style", (event) => {
    follow((event as CustomEvent<{ style?: string }>).detail?.style);
});

export {};
