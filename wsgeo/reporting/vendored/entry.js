// What the report needs of Vega, under one global name.
import { compile } from "vega-lite";
import { expressionInterpreter } from "vega-interpreter";
import { View, Warn, parse } from "vega";

window.wsgeoVega = { View, Warn, compile, expressionInterpreter, parse };
