// Judges regular expressions with recheck: reads a JSON list of {source, flags}, writes a JSON list of its results.

import { readFileSync } from "node:fs";
import { checkSync } from "recheck";

// Only the exact method is used. The other method searches at random, so its results differ from run to run. The limit is
// for a pattern that cannot be judged. It is long, because a pattern that takes 2 s takes 20 s beside other work.
const options = { checker: "automaton", timeout: 120_000 };

const judged = JSON.parse(readFileSync(0, "utf8")).map(({ source, flags }) => {
  const { status, complexity, attack, error } = checkSync(source, flags, options);
  return {
    status,
    cost: complexity?.summary ?? error?.kind ?? "",
    attack: attack?.pattern ?? "",
  };
});
console.log(JSON.stringify(judged));
