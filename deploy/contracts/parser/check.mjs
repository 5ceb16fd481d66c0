// Reads AsyncAPI documents with the parser of the AsyncAPI Initiative: exit 1 if it finds an error or a warning in one.
//
//   node check.mjs docs/contracts/asyncapi.yaml

import { readFile } from "node:fs/promises";
import { DiagnosticSeverity, Parser } from "@asyncapi/parser";

// The advice to move to the newest version of AsyncAPI does not count as a fault of the document.
const ADVICE = new Set(["asyncapi-latest-version"]);

const parser = new Parser();

async function check(path) {
  const { document, diagnostics } = await parser.parse(await readFile(path, "utf8"), { source: path });
  const faults = diagnostics.filter(
    ({ code, severity }) => severity <= DiagnosticSeverity.Warning && !ADVICE.has(code),
  );
  for (const { code, message, path: place, range } of faults) {
    console.log(`${path}:${range.start.line + 1}: ${code}: ${message} (${place.join(".")})`);
  }
  if (document === undefined || faults.length > 0) {
    console.log(`${path}: not accepted by @asyncapi/parser`);
    return false;
  }
  console.log(
    `${path}: AsyncAPI ${document.version()}, ${document.channels().length} channels, ` +
      `${document.operations().length} operations, ${document.messages().length} messages`,
  );
  return true;
}

let accepted = true;
for (const path of process.argv.slice(2)) {
  accepted = (await check(path)) && accepted;
}
process.exit(accepted ? 0 : 1);
