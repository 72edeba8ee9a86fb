import { read, SEVEN } from "@acme/models";
import { load } from "@modelpack/loader";
import digits from "modelpack:digits"; // fetched while the page starts: `load = "eager"`

const look = document.querySelector("#look");
const model = await load(digits);
look.disabled = false;
look.addEventListener("click", async () => {
  document.querySelector("#digit").value = await read(model, SEVEN);
});
