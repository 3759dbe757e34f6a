import MatomoTracker from "@datapunt/matomo-tracker-js";
import { newClient } from "./wrapper.js";

globalThis.client = newClient(MatomoTracker);
