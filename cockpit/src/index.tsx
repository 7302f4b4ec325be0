// The page's beginning: Cockpit's base1/cockpit.js has been loaded before.

import { createRoot } from "react-dom/client";
import { Watch } from "./bus/watch.ts";
import { App } from "./ui/app.tsx";
import "@patternfly/react-core/dist/styles/base.css";
import "./look/page.css";

const watch = new Watch();
window.cockpit.transport.wait(() => watch.start());
createRoot(document.getElementById("hbd")!).render(<App watch={watch} />);
