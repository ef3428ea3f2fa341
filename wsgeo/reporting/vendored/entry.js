// What the report needs of Vega, under one global name.
import { compile } from "vega-lite";
import { expressionInterpreter } from "vega-interpreter";
import { Error as errorsOnly, View, parse } from "vega";

window.wsgeoVega = { View, compile, errorsOnly, expressionInterpreter, parse };
