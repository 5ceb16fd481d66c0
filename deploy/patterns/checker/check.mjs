// Judges regular expressions with recheck: reads a JSON list of {source, flags}, writes a list of what it says of each.

import { readFileSync } from "node:fs";
import { checkSync } from "recheck";

// By the exact method only: the other one guesses, and guesses differently from run to run.
const options = { checker: "automaton", timeout: 20000 };

const judged = JSON.parse(readFileSync(0, "utf8")).map(({ source, flags }) => {
  const { status, complexity, attack, error } = checkSync(source, flags, options);
  return {
    status,
    cost: complexity?.summary ?? error?.kind ?? "",
    attack: attack?.pattern ?? "",
  };
});
console.log(JSON.stringify(judged));
