// The page's beginning: Cockpit's base1/cockpit.js has been loaded before.

import { createRoot } from "react-dom/client";
import { Watch } from "./bus/watch.ts";
import { hasAdministrativeAccess } from "./bus/request.ts";
import { followTheme } from "./theme.ts";
import { App } from "./ui/app.tsx";
import "@patternfly/react-core/dist/styles/base.css";
import "./look/page.css";

followTheme();
const watch = new Watch();
window.cockpit.transport.wait(() => {
    hasAdministrativeAccess(); // known by the time it is wanted
    watch.start();
});
createRoot(document.getElementById("hbd")!).render(<App watch={watch} />);
