import { sum } from "../../../lib/sum.mjs";

export default {
  adds: () => {
    if (sum(1, 2) !== 3) throw Error(`1 + 2 is ${sum(1, 2)}`);
  },
  "adds nothing": () => {
    if (sum(1, 0) !== 1) throw Error(`1 + 0 is ${sum(1, 0)}`);
  },
};
