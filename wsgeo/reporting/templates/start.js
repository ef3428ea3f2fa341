// The order in which the page comes to life.
firstChoices();
prepareControls();
prepareLinks();
prepareTables();
drawAll(onView).then(() => {
  pick(live.picked);
  if (byId("threshold")) moveThreshold(live.threshold);
});
watch();
