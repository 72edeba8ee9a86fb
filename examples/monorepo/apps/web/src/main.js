import { read, SEVEN } from "@acme/models";
import { load } from "@modelpack/loader";
import digits from "modelpack:digits";

const model = await load(digits);
document.querySelector("#digit").value = await read(model, SEVEN);
