// Reads an AsyncAPI document with the parser of the AsyncAPI Initiative: exit 1 if that finds an error or a warning.
//
//   node check.mjs docs/contracts/asyncapi.yaml

import { readFile } from "node:fs/promises";
import { DiagnosticSeverity, Parser } from "@asyncapi/parser";

// Advice to move to the newest version of AsyncAPI is no fault of the document.
const ADVICE = new Set(["asyncapi-latest-version"]);

const path = process.argv[2];
const { document, diagnostics } = await new Parser().parse(await readFile(path, "utf8"), { source: path });
const faults = diagnostics.filter(
  ({ code, severity }) => severity <= DiagnosticSeverity.Warning && !ADVICE.has(code),
);
for (const { code, message, path: place, range } of faults) {
  console.error(`${path}:${range.start.line + 1}: ${code}: ${message} (${place.join(".")})`);
}
if (document === undefined || faults.length > 0) {
  console.error(`${path}: not accepted by @asyncapi/parser`);
  process.exit(1);
}
console.log(
  `AsyncAPI ${document.version()}, ${document.channels().length} channels, ` +
    `${document.operations().length} operations, ${document.messages().length} messages`,
);
