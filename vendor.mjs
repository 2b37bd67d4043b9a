// Copies what the pages need from node_modules to static/vendor; the list is "vidette.vendor" in package.json.
import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(fileURLToPath(import.meta.url));
const { vidette } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const target = join(root, "static", "vendor");
mkdirSync(target, { recursive: true });
for (const [name, source] of Object.entries(vidette.vendor)) copyFileSync(join(root, source), join(target, name));
