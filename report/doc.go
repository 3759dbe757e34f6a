// Package report is what can be asked of the figures. Measures and Dimensions declare
// each figure and each breakdown once; the rollups and their views, the names of the
// API and what a filter may say follow from them. A Query is one question, a Planner
// turns the questions of a page into few statements over the smallest tables that are
// exact, and a Source answers them. What can't be answered exactly is refused with the
// reason, and never estimated.
package report
