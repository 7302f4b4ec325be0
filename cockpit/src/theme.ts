// Cockpit's choice of a light or dark look: kept by its shell, told by an event, or the browser's own.

const KEY = "shell:style";
const CLASS = "pf-v6-theme-dark";

export function followTheme(): void {
    const dark = window.matchMedia("(prefers-color-scheme: dark)");
    const follow = (chosen = localStorage.getItem(KEY) ?? "auto") => {
        const isDark = chosen === "dark" || (chosen === "auto" && dark.matches);
        document.documentElement.classList.toggle(CLASS, isDark);
    };
    follow();
    dark.addEventListener("change", () => follow());
    window.addEventListener("storage", (event) => {
        if (event.key === KEY) follow();
    });
    window.addEventListener("cockpit-style", (event) => {
        follow((event as CustomEvent<{ style?: string }>).detail?.style);
    });
}
