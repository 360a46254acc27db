// Node, as an ES module: the same functions and the same class as `require` gives.
import all from './node.cjs';

export const { CloudMapError, init, plan, translate, translateJson, validate } = all;
