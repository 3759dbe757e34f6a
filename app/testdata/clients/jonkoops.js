import MatomoTracker from "@jonkoops/matomo-tracker";
import { newClient } from "./wrapper.js";

globalThis.client = newClient(MatomoTracker);
